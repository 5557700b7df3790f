import { Type } from 'typebox'

/** Forms and answers of RFC 8693 and RFC 6749, whose names these are. */
export const exchangeInput = Type.Object(
  {
    grant_type: Type.Literal('urn:ietf:params:oauth:grant-type:token-exchange'),
    subject_token: Type.String({ description: 'The OIDC token of the job.' }),
    subject_token_type: Type.Union([
      Type.Literal('urn:ietf:params:oauth:token-type:jwt'),
      Type.Literal('urn:ietf:params:oauth:token-type:id_token'),
    ]),
    scope: Type.Optional(Type.String({ description: 'Less than the Trust gives: `read`, `requests:write`, which brings `read`.' })),
    requested_token_type: Type.Optional(
      Type.Union([Type.Literal('urn:ietf:params:oauth:token-type:access_token'), Type.Literal('urn:ietf:params:oauth:token-type:jwt')]),
    ),
    audience: Type.Optional(Type.Literal('purser')),
    trust: Type.Optional(
      Type.String({ description: 'The name of the Trust that is meant, where several take the token. Purser’s own parameter.' }),
    ),
  },
  {
    $id: 'TokenExchange',
    description: 'A form. Parameters that are not known are ignored, as RFC 6749 has it.',
    examples: [
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: 'eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJyZXBvOmFjbWUvb3JkZXJzIn0.c2lnbmF0dXJl',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      },
    ],
  },
)

export const exchanged = Type.Object(
  {
    access_token: Type.String({ description: 'A short-lived token of Purser’s own.' }),
    issued_token_type: Type.String(),
    token_type: Type.Literal('Bearer'),
    expires_in: Type.Integer({ description: 'Seconds.' }),
    scope: Type.String(),
  },
  {
    $id: 'ExchangedToken',
    description: 'Good until it expires, or the Trust or its service account is retired or the Trust is changed, whatever comes first.',
    examples: [
      {
        access_token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6InB1cnNlcitqd3QifQ.eyJpc3MiOiJwdXJzZXIifQ.c2lnbmF0dXJl',
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
        expires_in: 900,
        scope: 'read requests:write',
      },
    ],
  },
)

export const oauthError = Type.Object(
  {
    error: Type.String({
      description: 'invalid_request, invalid_scope, invalid_target, unsupported_grant_type, temporarily_unavailable or server_error.',
    }),
    error_description: Type.String({ description: 'For people.' }),
  },
  {
    $id: 'OauthError',
    description: 'RFC 6749, section 5.2. A subject token that is not taken is `invalid_request` (RFC 8693, section 2.2.2).',
    examples: [{ error: 'invalid_request', error_description: 'The token has expired.' }],
  },
)
