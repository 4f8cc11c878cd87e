// What the restricted-… rules can't say. ESLint and oxlint load the same plugin.

const message = {
  moduleState: 'State of a module outlives a run and is shared by all nodes of a simulation: keep it in an actor.',
  dynamicImport: 'A module that is loaded while actors run arrives when the disk likes: import it at the top.',
  exponent: 'Versions of V8 differ in the last bit of powers: multiply.',
}

const emptyWhenMade = new Set(['Map', 'Set', 'WeakMap', 'WeakSet', 'Array'])

/** @param {any} node */
function isEmptyContainer(node) {
  if (node === null || node === undefined) return false
  if (node.type === 'TSAsExpression' || node.type === 'TSSatisfiesExpression') return isEmptyContainer(node.expression)
  if (node.type === 'ArrayExpression') return node.elements.length === 0
  if (node.type === 'ObjectExpression') return node.properties.length === 0
  return node.type === 'NewExpression' && emptyWhenMade.has(node.callee.name) && node.arguments.length === 0
}

/** @param {any} node */
function isOfModule(node) {
  return node.parent.type === 'Program' || node.parent.type === 'ExportNamedDeclaration'
}

const noModuleState = {
  meta: {
    type: 'problem',
    docs: { description: 'No `let`, no container that starts empty, and no writable static field at module level' },
    schema: [],
  },
  /** @param {any} context */
  create: (context) => ({
    /** @param {any} node */
    VariableDeclaration(node) {
      if (!isOfModule(node) || node.declare === true) return
      for (const declarator of node.declarations) {
        if (node.kind === 'let' || node.kind === 'var' || isEmptyContainer(declarator.init)) {
          context.report({ node: declarator, message: message.moduleState })
        }
      }
    },
    /** @param {any} node */
    PropertyDefinition(node) {
      if (node.static !== true || node.declare === true) return
      if (node.readonly !== true || isEmptyContainer(node.value)) {
        context.report({ node, message: message.moduleState })
      }
    },
  }),
}

const noDynamicImport = {
  meta: { type: 'problem', docs: { description: 'No import() while actors run' }, schema: [] },
  /** @param {any} context */
  create: (context) => ({
    /** @param {any} node */
    ImportExpression: (node) => context.report({ node, message: message.dynamicImport }),
  }),
}

const noExponent = {
  meta: { type: 'problem', docs: { description: 'No `**` and no `**=`' }, schema: [] },
  /** @param {any} context */
  create(context) {
    /** @param {any} node */
    const check = (node) => {
      if (node.operator === '**' || node.operator === '**=') context.report({ node, message: message.exponent })
    }
    return { BinaryExpression: check, AssignmentExpression: check }
  },
}

// Linters look for a plugin in the default export.
// oxlint-disable-next-line import/no-default-export
export default {
  meta: { name: 'skerry' },
  rules: {
    'no-module-state': noModuleState,
    'no-dynamic-import': noDynamicImport,
    'no-exponent': noExponent,
  },
}
