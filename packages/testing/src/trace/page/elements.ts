/** The element of the page with that id, which must be of that kind. */
export function elementOf<Kind extends HTMLElement>(selector: string, kind: new () => Kind): Kind {
  const found = document.querySelector(selector)
  if (!(found instanceof kind)) throw new Error(`The page has no ${selector}`)
  return found
}

/** A new element. Text is set as text: nothing of a trace is ever read as markup. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  text: string,
  className: string = '',
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  if (text !== '') element.textContent = text
  if (className !== '') element.className = className
  return element
}

/** A button that does something. */
export function makeButton(text: string, onClick: () => void): HTMLButtonElement {
  const button = make('button', text)
  button.type = 'button'
  button.addEventListener('click', onClick)
  return button
}
