/** The version of the package: as in package.json. */
export const packageVersion = '0.1.0';
