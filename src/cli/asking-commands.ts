import { Option, type Command } from 'commander'
import { requestStates } from '../core/request.ts'
import type { ApplyOptions } from './apply.ts'
import type { ApproveOptions } from './approve.ts'
import { collect, parseCount, parseTimeout, parseWaitState } from './options.ts'
import type { PlanOptions } from './plan.ts'
import type { RejectOptions } from './reject.ts'
import type { RequestOptions } from './request.ts'
import type { RequestsOptions } from './requests.ts'
import type { RetryOptions } from './retry.ts'
import { asking, doneHelp, exitHelp, type Start } from './start.ts'

/** What asks: documents, plans, requests, and what is done to a request afterwards. */
export function addAskingCommands(program: Command, start: Start): void {
  addApply(program, start)
  addPlan(program, start)
  addRequest(program, start)
  addRequests(program, start)
  addVotes(program, start)
  addAfterwards(program, start)
}

function addApply(program: Command, start: Start): void {
  program
    .command('apply')
    .helpGroup(asking)
    .description('apply documents: all of them or none')
    .addOption(
      new Option('-f, --file <path>', 'file, directory (*.yaml, *.yml, *.json below it) or - (repeatable)')
        .argParser(collect)
        .makeOptionMandatory(),
    )
    .option('--dry-run', 'answer the same, store nothing')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser apply -f examples/platform --dry-run`)
    .action((options: ApplyOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { apply } = await import('./apply.ts')
        return await apply(context, options)
      }),
    )
}

const inputHelp = `
A change in words:
  create <blueprint> <name> key=value…
  update <name> key=value key=…
  delete <name>
Values are read as YAML scalars (600 is a number, true a boolean) or as JSON;
quoted they are text: version='"1.10"'. Dots nest (storage.size=10), \\. is a dot
in a name, and in an update key= removes the parameter.`

function addInput(command: Command): Command {
  return command
    .argument('[change...]', 'create, update or delete, and of what')
    .option('-f, --file <path>', 'a document of kind Request, or the body alone; - for standard input')
    .option('--team <team>', 'who asks')
    .option('--env <environment>', 'where')
    .option('--reason <text>', 'why')
    .option('--ttl <duration>', 'how long it is needed, as P14D (create)')
    .option('--blueprint <name@version>', 'move to another version (update)')
    .option('--overwrite', 'write over files that somebody else changed on the branch (update, delete)')
    .option('--plan-digest <digest>', 'refuse if the plan is no longer this one')
}

function addPlan(program: Command, start: Start): void {
  addInput(program.command('plan').helpGroup(asking).description('show what a request would do; nothing is stored'))
    .option('--files', 'show what the files would hold')
    .option('--exit-code', 'as git diff: 0 nothing would change, 1 something would; 3 denied, 2 usage, 128 anything else')
    .addHelpText(
      'after',
      `${inputHelp}\n\nExit codes:\n  0 it would be taken  1 refused  2 usage  3 denied; see also --exit-code\n\nExample:\n  purser plan create postgres orders-db --team payments --env prod \\
    size=m storageGB=600`,
    )
    .action((words: readonly string[], options: PlanOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { plan } = await import('./plan.ts')
        return await plan(context, words, options)
      }),
    )
}

function addRequest(program: Command, start: Start): void {
  addInput(program.command('request').helpGroup(asking).description('ask for it'))
    .option('-i, --interactive', 'be asked for a create, word by word, with the price as it goes')
    .option('--idempotency-key <key>', 'asked again with the same key, it is the same request (default: a new key)')
    .addOption(waitOption())
    .addOption(timeoutOption())
    .addHelpText(
      'after',
      `${inputHelp}\n\n${exitHelp}\n\nExample:\n  purser request create postgres orders-db --team payments --env prod \\
    size=m --reason 'orders go live' --wait --timeout 5m`,
    )
    .action((words: readonly string[], options: RequestOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { request } = await import('./request.ts')
        return await request(context, words, options)
      }),
    )
}

function addRequests(program: Command, start: Start): void {
  program
    .command('requests')
    .helpGroup(asking)
    .description('list requests, newest first, or show one')
    .argument('[id]', 'a request, req_…')
    .option('--diff', 'with an id: what it changes in the files')
    .option('--team <team>', 'of this team')
    .option('--env <environment>', 'in this environment')
    .addOption(new Option('--state <state>', 'in this state').choices(requestStates))
    .option('--requester <email>', 'asked for by this person')
    .option('--resource <name>', 'that change this resource')
    .addOption(new Option('--awaiting <who>', 'that wait for your approval').choices(['me']))
    .addOption(new Option('--first <n>', 'at most so many').argParser(parseCount).conflicts('all'))
    .option('--all', 'all, however many')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser requests --awaiting me`)
    .action((id: string | undefined, options: RequestsOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { requests } = await import('./requests.ts')
        return await requests(context, id, options)
      }),
    )
}

function addVotes(program: Command, start: Start): void {
  program
    .command('approvals')
    .helpGroup(asking)
    .description('list what waits for your approval')
    .addOption(new Option('--first <n>', 'at most so many').argParser(parseCount).conflicts('all'))
    .option('--all', 'all, however many')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser approvals --first 5`)
    .action((options: RequestsOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { requests } = await import('./requests.ts')
        return await requests(context, undefined, { ...options, awaiting: 'me' })
      }),
    )
  program
    .command('approve')
    .helpGroup(asking)
    .description('approve exactly the plan that you saw')
    .argument('<id>', 'the request')
    .option('--digest <digest>', 'the plan that you saw; without it, it is shown here and you are asked')
    .option('--comment <text>', 'what you want to say')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser approve req_01h2xcejqtf2nbrexx3vqjhp41`)
    .action((id: string, options: ApproveOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { approve } = await import('./approve.ts')
        return await approve(context, id, options)
      }),
    )
  program
    .command('reject')
    .helpGroup(asking)
    .description('say no; one is enough')
    .argument('<id>', 'the request')
    .requiredOption('--comment <text>', 'why; it must be given')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser reject req_01h2xcejqtf2nbrexx3vqjhp41 --comment 'half of it will do'`)
    .action((id: string, options: RejectOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { reject } = await import('./reject.ts')
        return await reject(context, id, options)
      }),
    )
}

function addAfterwards(program: Command, start: Start): void {
  program
    .command('cancel')
    .helpGroup(asking)
    .description('take a request back, until delivery has begun')
    .argument('<id>', 'the request')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser cancel req_01h2xcejqtf2nbrexx3vqjhp41`)
    .action((id: string, _: unknown, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { cancel } = await import('./cancel.ts')
        return await cancel(context, id)
      }),
    )
  program
    .command('retry')
    .helpGroup(asking)
    .description('ask again for what failed, expired or was rejected')
    .argument('<id>', 'the request')
    .option('--idempotency-key <key>', 'asked again with the same key, it is the same request (default: a new key)')
    .addOption(waitOption())
    .addOption(timeoutOption())
    .addHelpText('after', `\n${exitHelp}\n\nExample:\n  purser retry req_01h2xcejqtf2nbrexx3vqjhp41 --wait`)
    .action((id: string, options: RetryOptions, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { retry } = await import('./retry.ts')
        return await retry(context, id, options)
      }),
    )
  program
    .command('diff')
    .helpGroup(asking)
    .description('show what a request changes in the files')
    .argument('<id>', 'the request')
    .addHelpText('after', `\n${doneHelp}\n\nExample:\n  purser diff req_01h2xcejqtf2nbrexx3vqjhp41`)
    .action((id: string, _: unknown, command: Command) =>
      start(command.optsWithGlobals(), async (context) => {
        const { requests } = await import('./requests.ts')
        return await requests(context, id, { diff: true })
      }),
    )
}

function waitOption(): Option {
  return new Option('--wait [state]', 'follow it until it is committed, or will never be').argParser(parseWaitState)
}

function timeoutOption(): Option {
  return new Option('--timeout <duration>', 'how long --wait waits').argParser(parseTimeout).default(600_000, '10m')
}
