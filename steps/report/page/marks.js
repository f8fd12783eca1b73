// The words in which two texts differ, marked: those outside their longest common subsequence, as ROUGE-L sees it.
import { element } from './elements.js'

const longest = 500 // words; beyond, nothing is marked

const piecesOf = (text) =>
  text.match(/\p{Script=Han}|(?:(?!\p{Script=Han})[\p{L}\p{N}])+|[^\p{L}\p{N}]+/gu) ?? []
const isWord = (piece) => /[\p{L}\p{N}]/u.test(piece)

// The pieces of `text`, each word that `other` lacks in a <mark>.
export function marked(text, other) {
  const pieces = piecesOf(text)
  const [mine, theirs] = [pieces, piecesOf(other)].map((list) =>
    list.filter(isWord).map((word) => word.toLowerCase()),
  )
  const shared = mine.length > longest || theirs.length > longest ? undefined : sharedPlaces(mine, theirs)
  let place = 0
  return pieces.map((piece) => {
    if (!isWord(piece) || !shared || shared.has(place++)) return piece
    return element('mark', {}, piece)
  })
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
