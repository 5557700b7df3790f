import { Type } from 'typebox'

/** Its names are not ours: they are RFC 9728's, and so is the prefix of those that it does not know. */
export const signInSchema = Type.Object(
  {
    resource: Type.String({ description: 'This server, as the caller addressed it.' }),
    authorization_servers: Type.Array(Type.String(), { description: 'The issuers whose access tokens are taken.' }),
    scopes_supported: Type.Array(Type.String(), { description: 'What to ask an issuer for; it may know only some of them.' }),
    bearer_methods_supported: Type.Array(Type.Literal('header')),
    resource_name: Type.String(),
    purser_client_id: Type.String({
      description: 'The public client of the command: device flow, and code with PKCE on a loopback address.',
    }),
    purser_audience: Type.String({ description: 'What must be in `aud` of an access token.' }),
  },
  {
    $id: 'SignIn',
    description: 'Where people sign in for this server: protected resource metadata (RFC 9728).',
    examples: [
      {
        resource: 'https://purser.example.com',
        authorization_servers: ['https://id.example.com'],
        scopes_supported: ['openid', 'email', 'profile', 'groups', 'offline_access'],
        bearer_methods_supported: ['header'],
        resource_name: 'Purser',
        purser_client_id: 'purser-cli',
        purser_audience: 'purser',
      },
    ],
  },
)
