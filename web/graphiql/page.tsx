import '@graphiql/react/style.css'
import '@graphiql/plugin-doc-explorer/style.css'
import '@graphiql/plugin-history/style.css'
import 'graphiql/graphiql.css'
import './page.css'
import { GraphiQL } from 'graphiql'
import { buildSchema } from 'graphql'
import type { Environment } from 'monaco-editor'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { sdl } from '../../src/faces/graphql/generated/sdl.ts'
import { ask } from './ask.ts'
import { examples } from './examples.ts'
import { Who } from './who.tsx'

declare global {
  // Names of files beside this one; the build puts them here.
  const WORKERS: { readonly editor: string; readonly json: string; readonly graphql: string }
}

const environment: Environment = {
  getWorker(_id, label) {
    const name = label === 'json' || label === 'graphql' ? WORKERS[label] : WORKERS.editor
    return new Worker(new URL(name, import.meta.url))
  },
}
Object.assign(globalThis, { MonacoEnvironment: environment })

// The schema is part of the page, so that fields are completed and explained before there is a token.
const schema = buildSchema(sdl)

const place = document.getElementById('page')
if (place === null) throw new Error('there is no place for the page')
createRoot(place).render(
  <StrictMode>
    <Who />
    <GraphiQL
      fetcher={ask}
      schema={schema}
      defaultTabs={[...examples]}
      customScalarSchemas={{ JSON: {} }}
      defaultEditorToolsVisibility="variables"
      // A token among the headers would be kept with the tabs.
      isHeadersEditorEnabled={false}
      shouldPersistHeaders={false}
      showPersistHeadersSettings={false}
    >
      <GraphiQL.Logo>GraphiQL</GraphiQL.Logo>
    </GraphiQL>
  </StrictMode>,
)
