// All rows: searched, filtered, and drawn only as far as they are on screen. First what the page was given, and a way
// to make elements: text is only ever set as text, for a model wrote it.
const embedded = (id) => JSON.parse(document.getElementById(id).textContent)
export const words = embedded('words')
export const figures = embedded('figures')
export const rows = embedded('rows-embedded')

// "{0} of {1}" filled in, numbers with thousands set off.
export const fill = (text, ...values) =>
  text.replace(/\{(\d)\}/g, (_, place) => Number(values[place]).toLocaleString('en-US'))

// element('p', { class: 'note', onclick: f }, 'text', element('b', {}, 'more'))
export function element(name, attributes, ...children) {
  const made = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made[attribute] = value
    else if (value !== undefined && value !== false) made.setAttribute(attribute, value === true ? '' : value)
  }
  made.append(...children)
  return made
}

export const button = (text, onclick, attributes = {}) =>
  element('button', { type: 'button', onclick, ...attributes }, text)
export const tools = (...children) => element('div', { class: 'tools' }, ...children)
export const note = (...children) => element('p', { class: 'note' }, ...children)

// The words in which two texts differ, marked: those outside their longest common subsequence, as ROUGE-L sees it.
const longest = 500 // words; beyond, nothing is marked
const piecesOf = (text) =>
  text.match(/\p{Script=Han}|(?:(?!\p{Script=Han})[\p{L}\p{N}])+|[^\p{L}\p{N}]+/gu) ?? []
const isWord = (piece) => /[\p{L}\p{N}]/u.test(piece)
const wordsOf = (text) =>
  piecesOf(text)
    .filter(isWord)
    .map((word) => word.toLowerCase())

// The pieces of `text`, each word that `other` lacks in a <mark>.
function marked(text, other) {
  const [mine, theirs] = [wordsOf(text), wordsOf(other)]
  if (mine.length > longest || theirs.length > longest) return [text]
  const shared = sharedPlaces(mine, theirs)
  let place = 0
  return piecesOf(text).map((piece) =>
    !isWord(piece) || shared.has(place++) ? piece : element('mark', {}, piece),
  )
}

// The places in `mine` that belong to a longest common subsequence with `theirs`.
function sharedPlaces(mine, theirs) {
  const table = Array.from({ length: mine.length + 1 }, () => new Uint16Array(theirs.length + 1))
  for (let i = mine.length - 1; i >= 0; i--)
    for (let j = theirs.length - 1; j >= 0; j--)
      table[i][j] =
        mine[i] === theirs[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1])
  const shared = new Set()
  for (let i = 0, j = 0; i < mine.length && j < theirs.length;) {
    if (mine[i] === theirs[j]) {
      shared.add(i++)
      j++
    } else if (table[i + 1][j] >= table[i][j + 1]) i++
    else j++
  }
  return shared
}

for (const pair of document.querySelectorAll('.pair')) {
  const [removed, rival] = pair.querySelectorAll('dd')
  const texts = [removed.textContent, rival.textContent]
  removed.replaceChildren(...marked(texts[0], texts[1]))
  rival.replaceChildren(...marked(texts[1], texts[0]))
}

// The list and what stands above it.
let shown = rows.map((_, place) => place)
let active = 0
let searched // rows in lower case, made when somebody first searches

const search = element('input', { type: 'search', id: 'search', oninput: () => soon(apply) })
const filter = element('select', { id: 'filter', onchange: apply }, ...filterOptions())
const count = element('output', { class: 'count', for: 'search filter', 'aria-live': 'polite' })
const space = element('div', { class: 'space' })
const listed = {
  id: 'list',
  tabindex: '0',
  role: 'listbox',
  'aria-labelledby': 'rows-title',
  onscroll: () => requestAnimationFrame(draw),
  onkeydown: move,
}
const list = element('div', listed, space)
const closeOutside = (event) => event.target === dialog && dialog.close()
const dialog = element('dialog', { id: 'row', tabindex: '-1', onkeydown: turn, onclick: closeOutside })

document.querySelector('#rows h2').id = 'rows-title'
const searching = element('label', {}, words.search, search)
const filtering = element('label', {}, words.filter, filter)
document.getElementById('rows-app').append(tools(searching, filtering, count), list, dialog)

function filterOptions() {
  const option = (value, text, of) => element('option', { value }, `${text} (${of.toLocaleString('en-US')})`)
  const removed = figures.fates.slice(1)
  const sum = (fates) => fates.reduce((total, fate) => total + fate.count, 0)
  const groups = [...new Set(removed.map((fate) => fate.step))].flatMap((step) => {
    const own = removed.filter((fate) => fate.step === step)
    const reasons = own.map(({ reason, name, count }) => option(`${step}/${reason}`, `\u2003${name}`, count))
    return [option(step, step, sum(own)), ...reasons]
  })
  return [
    option('', words.everything, sum(figures.fates)),
    option('kept', words.kept, figures.fates[0].count),
    option('rejected', words.rejected, sum(removed)),
    ...groups,
  ]
}

let waiting
function soon(work) {
  clearTimeout(waiting)
  waiting = setTimeout(work, 80)
}

function apply() {
  const wanted = filter.value
  const fits = figures.fates.map(
    ({ step, reason }) =>
      wanted === '' ||
      (step === '' ? wanted === 'kept' : ['rejected', step, `${step}/${reason}`].includes(wanted)),
  )
  const text = search.value.trim().toLowerCase()
  if (text !== '')
    searched ??= rows.map(([instruction, input, output, , , detail]) =>
      [instruction, input, output, detail].join('\n').toLowerCase(),
    )
  shown = []
  for (const [place, row] of rows.entries())
    if (fits[fateOf(row)] && (text === '' || searched[place].includes(text))) shown.push(place)
  active = 0
  list.scrollTop = 0
  count.value = fill([words.noRows, words.oneRow][shown.length] ?? words.rows, shown.length)
  draw()
}

// A row's height is set by the style and the same for all.
function rowHeight() {
  const style = getComputedStyle(list)
  return parseFloat(style.getPropertyValue('--row')) * parseFloat(style.fontSize)
}

function draw() {
  const around = 6 // rows drawn above and below those on screen
  const height = rowHeight()
  space.style.height = `${shown.length * height}px`
  const first = Math.max(0, Math.floor(list.scrollTop / height) - around)
  const last = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / height) + around)
  const drawn = []
  for (let at = first; at < last; at++) drawn.push(line(at, height))
  space.replaceChildren(...drawn)
  list.setAttribute('aria-activedescendant', shown.length > 0 ? `row-${active}` : '')
}

function line(at, height) {
  const [instruction, input, output, fate, , detail] = rows[shown[at]]
  const oneLine = [instruction, input, output].filter((text) => text !== 0 && text !== '').join(' ⇒ ')
  const attributes = {
    id: `row-${at}`,
    class: fate === 0 ? 'row' : 'row out',
    role: 'option',
    'aria-selected': String(at === active),
    'aria-posinset': at + 1,
    'aria-setsize': shown.length,
    onclick: () => open(at),
  }
  const made = element(
    'div',
    attributes,
    element('span', { class: 'fate' }, fateText(fate)),
    element('span', { class: 'text' }, (oneLine || detail || '–').slice(0, 400)),
  )
  made.style.top = `${at * height}px`
  return made
}

const fateOf = (row) => row[3] // its place in the list of fates

function fateText(fate) {
  const { step, name } = figures.fates[fate]
  return step === '' ? words.kept : `${step} · ${name}`
}

function move(event) {
  const page = Math.max(1, Math.floor(list.clientHeight / rowHeight()) - 1)
  const [up, down] = [-shown.length, shown.length]
  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: up, End: down }
  const by = steps[event.key]
  if (event.key === 'Enter' || event.key === ' ') open(active)
  else if (by === undefined) return
  else activate(active + by)
  event.preventDefault()
}

function activate(at) {
  active = Math.min(shown.length - 1, Math.max(0, at))
  const height = rowHeight()
  const top = active * height
  list.scrollTop = Math.min(top, Math.max(list.scrollTop, top + height - list.clientHeight))
  draw()
}

// One row in full.
function open(at) {
  if (shown.length === 0) return
  activate(at)
  const row = rows[shown[active]]
  const fate = fateText(fateOf(row))
  dialog.replaceChildren(
    element(
      'div',
      { class: 'bar-of-buttons' },
      element('b', {}, fate),
      element('span', {}, fill(words.rowOf, active + 1, shown.length)),
      button(`← ${words.previous}`, () => open(active - 1), { disabled: active === 0 }),
      button(`${words.next} →`, () => open(active + 1), { disabled: active === shown.length - 1 }),
      button(words.close, () => dialog.close()),
    ),
    note(figures.fates[fateOf(row)].why),
    element('dl', {}, ...fields(row)),
    ...source(row),
  )
  dialog.setAttribute('aria-label', fate)
  if (!dialog.open) dialog.showModal()
  dialog.focus() // its buttons are new: the focus would be lost with the old ones
  dialog.scrollTop = 0
}

// A near-duplicate stands beside its neighbour with the differing words marked; elsewhere the neighbour comes last.
export function fields([instruction, input, output, fate, , detail, near]) {
  const field = (name, ...value) => [element('dt', {}, name), element('dd', { class: 'text' }, ...value)]
  const nearest = (...value) => field(`${words.nearest} (${detail})`, ...value)
  const beside = near !== 0 && fate !== 0
  return [
    ...field(words.instruction, ...(beside ? marked(instruction, near) : [instruction])),
    ...(beside ? nearest(...marked(near, instruction)) : []),
    ...(input === 0 ? [] : field(words.input, input === '' ? words.noInput : input)),
    ...(output === 0 ? [] : field(words.output, output)),
    ...(near !== 0 && !beside ? nearest(near) : []),
    ...(near !== 0 || detail === 0 || detail === '' ? [] : field(words.detail, detail)),
  ]
}

// In another folder than the usual one the command must name it: the one this page lies in.
export const ownFolder = decodeURI(location.pathname)
  .replace(/^\/(?=[A-Z]:)/i, '')
  .replace(/\/[^/]*$/, '')
const folder = figures.usual || location.protocol !== 'file:' ? '' : ` --data-dir "${ownFolder}"`

// The raw reply where it is embedded, and the command that tells the whole story.
function source([, , , , id, , , call]) {
  const reply = figures.replies?.[call]
  const title = element('summary', {}, words.reply)
  const command = element('code', {}, `npx tsx workshop.ts why ${id}${folder}`)
  return [
    ...(reply === undefined ? [] : [element('details', {}, title, element('pre', { class: 'text' }, reply))]),
    ...(id === '' ? [] : [note(words.noReply, ' ', command)]),
  ]
}

function turn(event) {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
  if (by && active + by >= 0 && active + by < shown.length) open(active + by)
}

for (const link of document.querySelectorAll('a[data-show]'))
  link.addEventListener('click', (event) => {
    event.preventDefault() // the browser would move the focus to the heading, at a time of its own
    search.value = ''
    filter.value = link.dataset.show
    apply()
    location.hash = 'rows'
    list.focus({ preventScroll: true })
  })

// On paper every threshold is open, a pair that several show stands there once, and the rows follow.
const printedAtMost = 2000
addEventListener('beforeprint', () => {
  const seen = new Set()
  for (const trial of document.querySelectorAll('details')) {
    trial.removeAttribute('name')
    trial.open = true
  }
  for (const pair of [...document.querySelectorAll('.pair')].toReversed()) {
    const [removed, , rival] = [...pair.children].map(({ textContent }) => textContent).slice(1)
    pair.classList.toggle('again', seen.has(`${removed}\n${rival}`))
    seen.add(`${removed}\n${rival}`)
  }
  const printed = document.getElementById('rows-printed')
  if (printed.childElementCount > 0) return
  const lines = rows.slice(0, printedAtMost).map((row) => {
    const [instruction, input, output, fate] = row
    const text = [instruction, input, output].filter((part) => part !== 0 && part !== '').join(' ⇒ ')
    return element('p', {}, element('b', {}, fateText(fate)), ` ${text}`)
  })
  printed.append(...lines, ...(rows.length > printedAtMost ? [note(words.printLeft)] : []))
})
addEventListener('resize', draw)
apply()
