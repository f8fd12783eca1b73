// All rows: searched, filtered, and drawn only as far as they are on screen.
import { element, embedded, figures, fill, words } from './elements.js'
import { marked } from './marks.js'

export const rows = embedded('rows-embedded')
const INSTRUCTION = 0
const INPUT = 1
const OUTPUT = 2
const FATE = 3
const ID = 4
export const DETAIL = 5
const NEIGHBOUR = 6
const CALL = 7
const around = 6 // rows drawn above and below those on screen

// In another folder than the usual one the command must name it: the one this page lies in.
const ownFolder = decodeURI(location.pathname)
  .replace(/^\/(?=[A-Z]:)/i, '')
  .replace(/\/[^/]*$/, '')
const folder = figures.usual || location.protocol !== 'file:' ? '' : ` --data-dir "${ownFolder}"`

const fateText = (row) => {
  const { step, name } = figures.fates[row[FATE]]
  return step === '' ? words.kept : `${step} · ${name}`
}
const oneLine = (row) =>
  [row[INSTRUCTION], row[INPUT], row[OUTPUT]].filter((text) => text !== 0 && text !== '').join(' ⇒ ') ||
  row[DETAIL] ||
  '–'

let shown = rows.map((_, place) => place)
let active = 0
let searched // rows in lower case, made when somebody first searches

const search = element('input', { type: 'search', id: 'search', oninput: () => soon(apply) })
const filter = element('select', { id: 'filter', onchange: apply }, ...filterOptions())
const count = element('output', { class: 'count', for: 'search filter', 'aria-live': 'polite' })
const space = element('div', { class: 'space' })
const list = element(
  'div',
  {
    id: 'list',
    tabindex: '0',
    role: 'listbox',
    'aria-labelledby': 'rows-title',
    onscroll: () => requestAnimationFrame(draw),
    onkeydown: move,
  },
  space,
)
const dialog = element('dialog', {
  id: 'row',
  tabindex: '-1',
  onkeydown: turn,
  onclick: (event) => event.target === dialog && dialog.close(),
})

document.querySelector('#rows h2').id = 'rows-title'
document
  .getElementById('rows-app')
  .append(
    element(
      'div',
      { class: 'tools' },
      element('label', {}, words.search, search),
      element('label', {}, words.filter, filter),
      count,
    ),
    list,
    dialog,
  )

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
    searched ??= rows.map((row) =>
      [row[INSTRUCTION], row[INPUT], row[OUTPUT], row[DETAIL]].join('\n').toLowerCase(),
    )
  shown = []
  for (const [place, row] of rows.entries())
    if (fits[row[FATE]] && (text === '' || searched[place].includes(text))) shown.push(place)
  active = 0
  list.scrollTop = 0
  count.value = fill([words.noRows, words.oneRow][shown.length] ?? words.rows, shown.length)
  draw()
}

// A row's height is set by the style and the same for all.
function rowHeight() {
  return (
    parseFloat(getComputedStyle(list).getPropertyValue('--row')) * parseFloat(getComputedStyle(list).fontSize)
  )
}

function draw() {
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
  const row = rows[shown[at]]
  const kept = row[FATE] === 0
  const made = element(
    'div',
    {
      id: `row-${at}`,
      class: kept ? 'row' : 'row out',
      role: 'option',
      'aria-selected': String(at === active),
      'aria-posinset': at + 1,
      'aria-setsize': shown.length,
      onclick: () => open(at),
    },
    element('span', { class: 'fate' }, fateText(row)),
    element('span', { class: 'text' }, oneLine(row).slice(0, 400)),
  )
  made.style.top = `${at * height}px`
  return made
}

function move(event) {
  const page = Math.max(1, Math.floor(list.clientHeight / rowHeight()) - 1)
  const by = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: page,
    PageUp: -page,
    Home: -shown.length,
    End: shown.length,
  }[event.key]
  if (event.key === 'Enter' || event.key === ' ') open(active)
  else if (by === undefined) return
  else activate(active + by)
  event.preventDefault()
}

function activate(at) {
  active = Math.min(shown.length - 1, Math.max(0, at))
  const [top, height] = [active * rowHeight(), rowHeight()]
  if (top < list.scrollTop) list.scrollTop = top
  else if (top + height > list.scrollTop + list.clientHeight)
    list.scrollTop = top + height - list.clientHeight
  draw()
}

// One row in full.
function open(at) {
  if (shown.length === 0) return
  activate(at)
  const row = rows[shown[active]]
  const button = (text, work, off) =>
    element('button', { type: 'button', onclick: work, disabled: off }, text)
  dialog.replaceChildren(
    element(
      'div',
      { class: 'bar-of-buttons' },
      element('b', {}, fateText(row)),
      element('span', {}, fill(words.rowOf, active + 1, shown.length)),
      button(`← ${words.previous}`, () => open(active - 1), active === 0),
      button(`${words.next} →`, () => open(active + 1), active === shown.length - 1),
      button(words.close, () => dialog.close()),
    ),
    element('p', { class: 'note' }, figures.fates[row[FATE]].why),
    element('dl', {}, ...fields(row)),
    ...source(row),
  )
  dialog.setAttribute('aria-label', fateText(row))
  if (!dialog.open) dialog.showModal()
  dialog.focus() // its buttons are new: the focus would be lost with the old ones
  dialog.scrollTop = 0
}

// A near-duplicate stands beside its neighbour with the differing words marked; elsewhere the neighbour comes last.
export function fields(row) {
  const field = (name, ...value) => [element('dt', {}, name), element('dd', { class: 'text' }, ...value)]
  const near = row[NEIGHBOUR]
  const nearest = (...value) => field(`${words.nearest} (${row[DETAIL]})`, ...value)
  const beside = near !== 0 && row[FATE] !== 0
  return [
    ...field(words.instruction, ...(beside ? marked(row[INSTRUCTION], near) : [row[INSTRUCTION]])),
    ...(beside ? nearest(...marked(near, row[INSTRUCTION])) : []),
    ...(row[INPUT] === 0 ? [] : field(words.input, row[INPUT] === '' ? words.noInput : row[INPUT])),
    ...(row[OUTPUT] === 0 ? [] : field(words.output, row[OUTPUT])),
    ...(near !== 0 && !beside ? nearest(near) : []),
    ...(near !== 0 || row[DETAIL] === 0 || row[DETAIL] === '' ? [] : field(words.detail, row[DETAIL])),
  ]
}

// The raw reply where it is embedded, and the command that tells the whole story.
function source(row) {
  const reply = figures.replies?.[row[CALL]]
  const command = element('code', {}, `npx tsx workshop.ts why ${row[ID]}${folder}`)
  return [
    ...(reply === undefined
      ? []
      : [
          element(
            'details',
            {},
            element('summary', {}, words.reply),
            element('pre', { class: 'text' }, reply),
          ),
        ]),
    ...(row[ID] === '' ? [] : [element('p', { class: 'note' }, words.noReply, ' ', command)]),
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

// On paper every threshold is open.
addEventListener('beforeprint', () => {
  for (const trial of document.querySelectorAll('details')) {
    trial.removeAttribute('name')
    trial.open = true
  }
})
addEventListener('resize', draw)
apply()
