/**
 * The version that the commands tell. A test holds it against package.json, which is not
 * read at start because a bundle has none beside it.
 */
export const version = "0.1.0"
