// A fault is a user's mistake or a stop with a reason: one sentence on screen, never a stack trace.
import { type BigIntStats, lstatSync, statSync } from 'node:fs'

/** One sentence in the two languages of the workshop. */
export type Words = { en: string; zh: string }

export class Fault extends Error {
  readonly words: Words
  readonly exit: 1 | 2

  /** `exit`: 2 wrong usage or bad input, nothing touched; 1 stopped early, with what exists written. */
  constructor(words: Words, exit: 1 | 2 = 2) {
    super(words.en)
    this.name = 'Fault'
    this.words = words
    this.exit = exit
  }
}

/** The code of a system error such as ENOENT, or '' when it is something else. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Whether the system says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(codeOf(error))
}

/** Whether the system does not permit it. */
export function isBarred(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error))
}

/** The text of any thrown value, on one line. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim()
}

/** The sentence for a file that cannot be opened. */
export function unreadable(file: string, error: unknown): Fault {
  const code = codeOf(error)
  if (isMissing(error))
    return new Fault({
      en: `There is no file ${file}. Check its name and folder.`,
      zh: `找不到文件 ${file}。请检查文件名和所在文件夹。`,
    })
  if (code === 'EISDIR')
    return new Fault({
      en: `${file} is a folder; a file was expected. Name a file in it, or move the folder away.`,
      zh: `${file} 是文件夹，这里需要一个文件。请指定其中的文件，或移走该文件夹。`,
    })
  if (isBarred(error))
    return new Fault({
      en: `${file} may not be read: check its permissions.`,
      zh: `没有读取 ${file} 的权限，请检查权限设置。`,
    })
  if (code === 'ELOOP')
    return new Fault({
      en: `${file} is a link that leads back to itself. Name the file it was meant for.`,
      zh: `${file} 是指回自身的链接。请指定它本应指向的文件。`,
    })
  return new Fault({
    en: `${file} cannot be read (${code || String(error)}).`,
    zh: `无法读取 ${file}（${code || String(error)}）。`,
  })
}

/** The sentence for a file or folder that cannot be written. */
export function unwritable(target: string, error: unknown): Fault {
  const code = codeOf(error)
  const full = { en: 'the disk is full: free some space', zh: '磁盘已满：请清理空间' }
  const barred = {
    en: 'writing is not permitted there: check the permissions',
    zh: '没有写入权限：请检查权限设置',
  }
  const other = { en: `the system said ${code || String(error)}`, zh: `系统返回 ${code || String(error)}` }
  const why = code === 'ENOSPC' ? full : isBarred(error) ? barred : other
  return new Fault(
    {
      en: `${target} cannot be written: ${why.en}. What was written before is whole; the same command goes on from there.`,
      zh: `无法写入 ${target}：${why.zh}。此前写入的内容完好；重新运行同一命令即可继续。`,
    },
    1,
  )
}

/** What stands in a place, with a link at its end followed or not; undefined where nothing can be seen there. */
export function lookAt(place: string, links: 'followed' | 'seen'): BigIntStats | undefined {
  try {
    return (links === 'followed' ? statSync : lstatSync)(place, { bigint: true })
  } catch {
    return undefined
  }
}

/** Whether something stands there that is neither a file nor a folder, such as a link. */
export function isOdd(place: string): boolean {
  const found = lookAt(place, 'seen')
  return found !== undefined && !found.isFile() && !found.isDirectory()
}

/** The sentence for a link, a pipe or a device where a file is to be replaced or added to. */
export function noFile(place: string): Fault {
  return new Fault({
    en: `${place} is a link, a pipe or a device; the workshop reads and writes plain files there. Put the file itself in its place, or name another.`,
    zh: `${place} 是链接、管道或设备；程序在这里只读写普通文件。请换成文件本身，或另外指定一个。`,
  })
}

/** A Fault for a pipe or a device where a file is to be read, which happens more than once. */
export function refusePipe(file: string): void {
  const there = lookAt(file, 'followed')
  if (there === undefined || there.isFile() || there.isDirectory()) return
  throw new Fault({
    en: `${file} is a pipe or a device; a file was expected. Write what comes out of it into a file, and name that.`,
    zh: `${file} 是管道或设备；应为文件。请先把其中的内容写入文件，再指定该文件。`,
  })
}

// Connections

/** "Connection error" says little; what lies at the bottom of it is ECONNREFUSED or ENOTFOUND. */
export function rootOf(error: unknown): unknown {
  let root = error
  while (root instanceof Error && root.cause !== undefined) root = root.cause
  return root instanceof AggregateError && root.errors.length > 0 ? (root.errors[0] as unknown) : root
}

// What is wrong with TLS, by the names OpenSSL and Node have for it, as a code or in a sentence. Only an unknown issuer can be made known.
const tlsCures: readonly (readonly [code: RegExp, cure: Words])[] = [
  [
    /wrong.version.number|packet.length.too.long|ssl.http.request/i,
    {
      en: 'No TLS is spoken there: does the address begin with http:// instead of https://?',
      zh: '对方没有使用 TLS：地址是否应以 http:// 开头，而不是 https://？',
    },
  ],
  [
    /EPROTO|ERR_SSL_/,
    {
      en: 'The server and Node cannot agree on how to encrypt: is it an old server, does it want a certificate of whoever asks, or does a proxy or firewall stand in between?',
      zh: '服务器与 Node 无法就加密方式达成一致：服务器是否太旧，是否要求客户端证书，或者中间有代理、防火墙？',
    },
  ],
  [
    /SELF_SIGNED_CERT|UNABLE_TO_(GET_ISSUER|VERIFY)|CERT_UNTRUSTED/,
    {
      en: "The server's certificate is not known here. If it is your school's or your own, name its file, in the environment and not in .env: NODE_EXTRA_CA_CERTS=/path/to/ca.pem",
      zh: '本机不认识该服务器的证书。如果是学校或自己的证书，请用环境变量（不是 .env）指明证书文件：NODE_EXTRA_CA_CERTS=/path/to/ca.pem',
    },
  ],
  [
    /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/,
    {
      en: "The server's certificate is not valid today: is the clock of this machine right? If it is, whoever runs the server has to renew it.",
      zh: '服务器的证书今天无效：本机的时钟是否正确？如果正确，需要服务器的管理者更换证书。',
    },
  ],
  [
    /ALTNAME_INVALID|HOSTNAME_MISMATCH/,
    {
      en: "The server's certificate is made out for another host: is the address the one it was given for?",
      zh: '服务器的证书是发给另一个主机名的：地址是否与证书上的一致？',
    },
  ],
  [
    /CERT|EE_KEY|CA_KEY|CA_MD|INVALID_CA|INVALID_PURPOSE/,
    {
      en: "The server's certificate is not accepted here; whoever runs the server has to replace it.",
      zh: '本机不接受该服务器的证书：需要服务器的管理者更换证书。',
    },
  ],
]

/** What to do about a connection that TLS does not allow; undefined where it is no matter of TLS. */
export function tlsCure(fault: string): Words | undefined {
  return tlsCures.find(([sign]) => sign.test(fault))?.[1]
}

// Misspelt words, and what was probably meant

const longestShown = 60 // characters of what somebody typed

/** The sentence for an unknown option or step, with the nearest one that exists. */
export function unknownWord(word: string, known: readonly string[], what: 'option' | 'step'): Fault {
  const near = nearest(word, known)
  const shown = shorten(word)
  return new Fault({
    en: `There is no ${what === 'step' ? 'step or command' : what} "${shown}".${near ? ` Did you mean ${near}?` : ''} All are listed by: npx tsx workshop.ts --help`,
    zh: `没有名为 "${shown}" 的${what === 'option' ? '选项' : '步骤或命令'}。${near ? `您是否想用 ${near}？` : ''}全部列表见：npx tsx workshop.ts --help`,
  })
}

/**
 * The known word that is most like this one, whatever its dashes and capitals; undefined when none is like it. `most`: the
 * letters that may differ.
 */
export function nearest(word: string, known: readonly string[], most = Infinity): string | undefined {
  const bare = (text: string): string => text.replace(/^[-–—－]+/, '').toLowerCase()
  const typed = bare(word.slice(0, longestShown))
  const distances = known.map((name) => {
    const begun = typed !== '' && bare(name).startsWith(typed)
    return { name, distance: begun ? 0 : editDistance(typed, bare(name)) }
  })
  const [best] = distances.toSorted((a, b) => a.distance - b.distance)
  const alike =
    best && (best.distance === 0 || (typed.length > 2 && best.distance < Math.min(typed.length, most + 1)))
  return alike ? best.name : undefined
}

/** The beginning of a long text. */
export function shorten(text: string): string {
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text
}

// Levenshtein's distance, one row of the table at a time.
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** What to look at where a key is not taken. */
export function keyCure({ regional, keyFrom }: { regional: boolean; keyFrom: string }): Words {
  if (regional)
    return {
      en: 'A DashScope key belongs to one region: check DASHSCOPE_API_KEY, and for a region other than Beijing set DASHSCOPE_BASE_URL (dashscope-intl.aliyuncs.com Singapore, dashscope-us.aliyuncs.com Virginia).',
      zh: 'DashScope 的密钥只属于一个地域：请检查 DASHSCOPE_API_KEY；北京以外的地域请设置 DASHSCOPE_BASE_URL（新加坡 dashscope-intl.aliyuncs.com，弗吉尼亚 dashscope-us.aliyuncs.com）。',
    }
  if (keyFrom === '')
    return {
      en: 'This server wants a key: put the line LLM_API_KEY=… into a file named .env here.',
      zh: '该服务器需要密钥：请在此处的 .env 文件中写入一行 LLM_API_KEY=…。',
    }
  return {
    en: `Check the key in ${keyFrom} and what it may be used for.`,
    zh: `请检查 ${keyFrom} 中的密钥及其权限。`,
  }
}

/** What to look at where no API answers. */
export function addressCure({ baseUrl }: { baseUrl: string }): Words {
  return lacksVersion(baseUrl)
    ? {
        en: `No API answers at ${baseUrl}: does the address lack /v1?`,
        zh: `${baseUrl} 上没有 API 应答：地址是否缺少 /v1？`,
      }
    : {
        en: `No API answers at ${baseUrl}: is the address right (does the address lack /v1, or have too much behind it)?`,
        zh: `${baseUrl} 上没有 API 应答：地址是否正确（是否缺少 /v1，或后面多了什么）？`,
      }
}

/** Whether an address names no version of an API, as /v1 does. */
export function lacksVersion(baseUrl: string): boolean {
  return !/\/v\d/.test(baseUrl)
}
