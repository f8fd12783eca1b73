// The review: one row at a time, three questions each, the fourth follows from them. Answers stay in this browser.
import { button, element, fields, figures, fill, note, ownFolder, rows, tools, words } from './rows.js'

const place = 'self-instruct-review'
const names = ['instruction_valid', 'input_appropriate', 'output_correct']

const answers = kept() // name of a row → [true, false, null]
let keepable = keep()
let wanted = Math.min(20, figures.review.length)
let at = 0
let question = 0

const card = element('div', { class: 'card', tabindex: '0', role: 'group' })
const reviewer = element('input', { type: 'text', id: 'reviewer', maxlength: 60, oninput: keepName })
reviewer.value = keptName()
const many = element('input', {
  type: 'number',
  id: 'review-count',
  min: 1,
  max: figures.review.length,
  value: wanted,
  oninput: () => {
    wanted = Math.min(figures.review.length, Math.max(1, Math.floor(Number(many.value)) || 1))
    go(Math.min(at, wanted - 1))
  },
})
const state = element('p', { 'aria-live': 'polite' })
const revealed = element('div', { class: 'revealed', 'aria-live': 'polite' })
const save = button(words.save, download)
const clear = button(words.clear, startAgain, { onblur: () => (clear.textContent = words.clear) })

if (figures.review.length > 0) {
  const label = element('label', { for: 'review-count' }, words.count)
  const naming = element('label', { for: 'reviewer' }, words.reviewer, reviewer)
  document
    .getElementById('review-app')
    .append(tools(label, many, naming), card, state, tools(save, clear), revealed)
  listen()
  go(chosen().findIndex((name) => !answered(name)))
}

function kept() {
  try {
    const read = JSON.parse(localStorage.getItem(place) ?? '{}')
    return new Map(Object.entries(read).filter(([, given]) => Array.isArray(given) && given.length === 3))
  } catch {
    return new Map()
  }
}

function keep() {
  try {
    localStorage.setItem(place, JSON.stringify(Object.fromEntries(answers)))
    return true
  } catch {
    return false
  }
}

function keptName() {
  try {
    return localStorage.getItem(`${place}-name`) ?? ''
  } catch {
    return ''
  }
}

function keepName() {
  try {
    localStorage.setItem(`${place}-name`, reviewer.value)
  } catch {} // then it is typed again
}

// The keys work as soon as the card is in view, wherever the focus is, but not while somebody types or reads the rows.
function listen() {
  let inView = false
  new IntersectionObserver((entries) => (inView = entries.at(-1).isIntersecting), { threshold: 0.2 }).observe(
    card,
  )
  document.addEventListener('keydown', (event) => {
    const elsewhere = event.target.closest?.('input, select, textarea, #list, dialog')
    const near = inView || card.contains(event.target)
    if (near && !elsewhere && !document.querySelector('dialog[open]')) press(event)
  })
}

function chosen() {
  return figures.review.slice(0, wanted).map(([, name]) => name)
}

function givenTo(name) {
  return answers.get(name) ?? [null, null, null]
}

function answered(name) {
  return !givenTo(name).includes(null)
}

function go(to) {
  at = Math.min(wanted - 1, Math.max(0, to))
  question = Math.max(0, givenTo(figures.review[at][1]).indexOf(null))
  drawCard()
  drawRow()
}

function answer(which, value) {
  const name = figures.review[at][1]
  answers.set(name, which === 3 ? [true, true, true] : givenTo(name).with(which, value))
  keepable = keep()
  if (answered(name) && at < wanted - 1) go(at + 1)
  else go(at)
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const key = event.key.toLowerCase()
  if (key === 'y') answer(question, true)
  else if (key === 'n') answer(question, false)
  else if (key === 'a' || key === '4') answer(3)
  else if (key === 'arrowleft') go(at - 1)
  else if (key === 'arrowright') go(at + 1)
  else if (['1', '2', '3'].includes(key)) {
    question = Number(key) - 1
    drawCard()
  } else return
  event.preventDefault()
  card.focus({ preventScroll: true })
}

function drawCard() {
  const [place, name] = figures.review[at]
  const [instruction, input, output] = rows[place]
  const given = givenTo(name)
  card.replaceChildren(
    note(fill(words.rowOf, at + 1, wanted)),
    element('dl', {}, ...fields([instruction, input, output, 0, '', 0, 0])),
    ...names.map((_, which) => asked(which, given[which])),
    allFields(given),
    note(words.keys),
    tools(
      cardButton(`← ${words.previous}`, () => go(at - 1), { disabled: at === 0 }),
      cardButton(`${words.next} →`, () => go(at + 1), { disabled: at === wanted - 1 }),
    ),
  )
  card.setAttribute('aria-label', fill(words.rowOf, at + 1, wanted))
}

// The card is drawn anew with every answer: its button is gone, and the focus with it.
function cardButton(text, work, attributes) {
  const click = () => {
    work()
    card.focus({ preventScroll: true })
  }
  return button(text, click, attributes)
}

function choice(text, pressed, work, disabled = false) {
  return cardButton(text, work, { 'aria-pressed': String(pressed), disabled })
}

function asked(which, given) {
  return element(
    'p',
    { class: which === question ? 'question current' : 'question' },
    element('span', {}, `${which + 1}. ${words.questions[which]}`),
    choice(words.yes, given === true, () => answer(which, true)),
    choice(words.no, given === false, () => answer(which, false)),
  )
}

// The fourth follows from the three: a yes says yes to all, and there is no "no" to press.
function allFields(given) {
  const fails = given.includes(false)
  return element(
    'p',
    { class: 'question' },
    element('span', {}, `4. ${words.questions[3]}`),
    choice(words.yes, given.every(Boolean), () => answer(3)),
    choice(words.no, fails, () => undefined, !fails),
  )
}

// The shares over the rows answered in full; the fourth: all three are yes.
function shares() {
  const full = chosen()
    .filter(answered)
    .map((name) => answers.get(name))
  const share = (fits) => (full.length === 0 ? null : full.filter(fits).length / full.length)
  return [...names.map((_, which) => share((given) => given[which])), share((given) => given.every(Boolean))]
}

// The judge removed what it found faulty: of the rows that are left it thinks as a person who says yes to all.
function agreeing() {
  return chosen().filter((name) => answered(name) && answers.get(name).every(Boolean)).length
}

function drawRow() {
  const done = chosen().filter(answered).length
  const said = [
    fill(words.answered, done, wanted),
    ...(done === wanted ? [words.done] : []),
    ...(figures.judged && done > 0 ? [fill(words.agree, agreeing(), done)] : []),
    ...(keepable ? [] : [words.notKept]),
  ]
  state.textContent = said.join(' · ')
  const cells = document.querySelectorAll('#review-row td')
  for (const [which, share] of shares().entries())
    cells[which].textContent = share === null ? '–' : `${Math.round(100 * share)}\u00a0%`
  save.disabled = done === 0
  reveal(done === wanted)
}

// After the last row: what the stand-in had planted, and what of it got past. Other runs have no answer key.
function reveal(isDone) {
  const planted = figures.review.slice(0, wanted).filter(([, , fault]) => fault !== '')
  const isKnown = figures.review.some(([, , fault]) => fault !== '')
  revealed.replaceChildren()
  if (!isDone || !isKnown) return
  const passed = planted.filter(([, name]) => answers.get(name).every(Boolean))
  const said = planted.length === 0 ? words.nonePlanted : fill(words.planted, planted.length, passed.length)
  const items = planted.map(([place, name, fault]) => {
    const [instruction, input, output] = rows[place]
    const verdict = answers.get(name).every(Boolean) ? words.passed : words.caught
    const row = [instruction, input, output].filter((text) => text !== 0 && text !== '').join(' ⇒ ')
    return element(
      'li',
      {},
      element('b', {}, verdict),
      ` · ${words.faults[fault] ?? fault}`,
      element('span', { class: 'text' }, row),
    )
  })
  revealed.append(element('p', {}, element('b', {}, said)), element('ul', {}, ...items))
}

function download() {
  const given = figures.review.slice(0, wanted).filter(([, name]) => answered(name))
  const judged = given.map(([place, name]) => {
    const [instruction, input, output] = rows[place]
    const verdicts = Object.fromEntries(names.map((field, which) => [field, answers.get(name)[which]]))
    return { instruction, input, output, ...verdicts }
  })
  const [instruction_valid, input_appropriate, output_correct, all] = shares()
  const run = { folder: ownFolder.split('/').at(-1), ...figures.run }
  const who = { name: reviewer.value.trim(), run, date: new Date().toISOString().slice(0, 10) }
  const review = {
    v: 1,
    ...who,
    shares: { instruction_valid, input_appropriate, output_correct, all },
    rows: judged,
  }
  const file = new Blob([`${JSON.stringify(review, null, 2)}\n`], { type: 'application/json' })
  const link = element('a', { href: URL.createObjectURL(file), download: 'review.json' })
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
}

// All answers go, after a second press.
function startAgain() {
  if (clear.textContent !== words.clearSure) {
    clear.textContent = words.clearSure
    return
  }
  clear.textContent = words.clear
  for (const name of chosen()) answers.delete(name)
  keepable = keep()
  go(0)
}
