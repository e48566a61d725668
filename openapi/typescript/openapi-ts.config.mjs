export default {
  input: '../openapi.json',
  output: { path: 'generated/sdk', module: { extension: '.js' } },
  plugins: [
    '@hey-api/client-fetch',
    '@hey-api/typescript',
    { name: '@hey-api/sdk', operations: { strategy: 'single', containerName: 'Waypost' } },
  ],
};
