/** What runs in browsers too. */
export { TokenHolder, type HolderSettings } from "./index.js"
