// Simulations of many nodes. A seed takes half a minute of a CPU, and a few are enough: they take the same course.
export { sparseMesh } from './scenarios/sparse-mesh.ts'
