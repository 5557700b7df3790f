/** The walk from a first question to a commit: one tab each. Its teams and blueprints are those of the examples. */
export const examples: readonly { readonly query: string; readonly variables?: string }[] = [
  {
    query: `# 1. Who am I?
# Put a token above; it stays in this tab.
query Me {
  me {
    subject
    kind
    scopes
    teams {
      role
      team {
        name
        title
      }
    }
  }
}
`,
  },
  {
    query: `# 2. What would it cost, and is it allowed? Stores nothing.
# An administrator asks on behalf of alice@example.com.
mutation Plan($input: PlanRequestInput!) {
  planRequest(input: $input) {
    plan {
      digest
      cost {
        monthlyDelta
        currency
      }
      decision {
        outcome
        violations {
          message
          remedy
        }
        approvals {
          required
          approvers {
            team
            role
          }
        }
      }
      plan {
        files {
          path
          content
        }
      }
    }
  }
}
`,
    variables: variables({
      input: {
        team: 'payments',
        environment: 'prod',
        changes: [{ action: 'CREATE', blueprint: 'postgres', name: 'graph-db', parameters: { size: 'm', storageGB: 700 } }],
      },
    }),
  },
  {
    query: `# 3. Ask for it. The same idempotencyKey is the same request.
mutation Submit($input: SubmitRequestInput!) {
  submitRequest(input: $input) {
    replayed
    request {
      id
      state
      message
      nextAction
      plan {
        digest
      }
    }
  }
}
`,
    variables: variables({
      input: {
        team: 'payments',
        environment: 'prod',
        reason: 'tried in GraphiQL',
        idempotencyKey: 'graphiql-1',
        changes: [{ action: 'CREATE', blueprint: 'postgres', name: 'graph-db', parameters: { size: 'm', storageGB: 700 } }],
      },
    }),
  },
  {
    query: `# 4. What waits for my vote? Ask for bob@example.com.
query Awaiting {
  requests(awaiting: ME) {
    nodes {
      id
      message
      requester {
        subject
      }
      plan {
        digest
      }
    }
  }
}
`,
  },
  {
    query: `# 5. Say yes to exactly that plan: its id and digest
# are in the answer of the last tab.
mutation Approve($input: ApproveRequestInput!) {
  approveRequest(input: $input) {
    request {
      id
      state
      approvals {
        by
        vote
      }
    }
  }
}
`,
    variables: variables({ input: { id: 'req_…', planDigest: 'sha256:…', comment: 'Fits' } }),
  },
  {
    query: `# 6. What was asked for, newest first.
query Requests($first: Int = 10, $after: String) {
  requests(first: $first, after: $after) {
    pageInfo {
      endCursor
      hasNextPage
    }
    nodes {
      id
      state
      message
      createdAt
      delivery {
        branch
        commit
      }
    }
  }
}
`,
  },
  {
    query: `# 7. From teams to commits in one answer.
query Graph {
  teams(first: 10) {
    nodes {
      name
      title
      resources(first: 10) {
        nodes {
          name
          status
          blueprint {
            name
            version
          }
          lastRequest {
            state
            approvals {
              by
            }
            delivery {
              commit
            }
          }
        }
      }
      budgets {
        nodes {
          name
          status {
            limit
            committed
            remaining
          }
        }
      }
    }
  }
}
`,
  },
  {
    query: `# 8. What happens in a team, as it happens.
subscription Activity {
  teamActivity(team: "payments") {
    cursor
    event {
      time
      type
      subject
      actor {
        subject
      }
      data
    }
  }
}
`,
  },
]

function variables(value: object): string {
  return JSON.stringify(value, null, 2)
}
