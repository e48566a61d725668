// Checks with the library of the specification what was posted to a receiver, each message with each secret.

import { readFileSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';

const { secrets, messages } = JSON.parse(readFileSync(process.env.FILE, 'utf8'));

for (const { now, headers, body } of messages) {
  Date.now = () => now;
  for (const secret of secrets) {
    try {
      new Webhook(secret).verify(body, headers);
      console.log('taken');
    } catch (error) {
      console.log(error.message);
    }
  }
}
