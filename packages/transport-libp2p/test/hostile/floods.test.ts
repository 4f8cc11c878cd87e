import { floodsOfTheMesh } from './flood-suite.ts'

floodsOfTheMesh('@skerry/transport-libp2p')
