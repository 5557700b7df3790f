/** Whether it is an e-mail address of a form that Purser takes: in lower case, with no character that could end a header or a list. */
export function isEmail(text: string): boolean {
  const [local = '', domain = '', ...more] = text.split('@')
  const labels = domain.split('.')
  return (
    more.length === 0 &&
    /^[^\s<>"(),:;\\]{1,64}$/.test(local) &&
    domain.length <= 190 &&
    labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
  )
}
