// Sends a file by tus-js-client as an app would: it keeps where the upload is, and goes on there after whatever happened.
// Prints how far it is after each request, and `done` in the end. With STOP_AT it stops when it is that far.

import { createReadStream, statSync } from 'node:fs';
import * as tus from 'tus-js-client';

const { WAYPOST_URL, WAYPOST_TOKEN, ATTACHMENT, FILE, STOP_AT } = process.env;

const upload = new tus.Upload(createReadStream(FILE), {
  endpoint: `${WAYPOST_URL}/v1/uploads`,
  headers: { Authorization: `Bearer ${WAYPOST_TOKEN}` },
  metadata: { attachmentId: ATTACHMENT },
  uploadSize: statSync(FILE).size,
  chunkSize: 2 * 1024 * 1024,
  retryDelays: Array(60).fill(500),
  urlStorage: new tus.FileUrlStorage(`${FILE}.places`),
  onChunkComplete(_, sent) {
    console.log(sent);
    if (STOP_AT && sent >= Number(STOP_AT)) process.exit(0);
  },
  onSuccess() {
    console.log('done');
  },
  onError(error) {
    console.log(`refused ${error.originalResponse?.getStatus()} ${error.originalResponse?.getBody()}`);
  },
});

const [earlier] = await upload.findPreviousUploads();
if (earlier) upload.resumeFromPreviousUpload(earlier);
upload.start();
