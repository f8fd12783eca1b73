// What the report was given, and a way to make elements. Text is only ever set as text: it was written by a model.
export const embedded = (id) => JSON.parse(document.getElementById(id).textContent)
export const words = embedded('words')
export const figures = embedded('figures')

// "{0} of {1}" filled in, numbers with thousands set off.
export const fill = (text, ...values) =>
  text.replace(/\{(\d)\}/g, (_, place) => Number(values[place]).toLocaleString('en-US'))

// element('p', { class: 'note', onclick: f }, 'text', element('b', {}, 'more'))
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made[attribute] = value
    else if (value !== undefined && value !== false) made.setAttribute(attribute, value === true ? '' : value)
  }
  made.append(...children)
  return made
}
