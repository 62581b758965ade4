// Camera, microphone and MediaRecorder, without a page of their own.

// In order of what was measured: VP9 costs a third of VP8; "webm;codecs=h264" would really be Matroska, so it is named.
const TYPES = [
  "video/webm;codecs=vp9,opus",
  "video/x-matroska;codecs=avc1,opus",
  "video/webm;codecs=av1,opus",
  "video/webm;codecs=vp8,opus",
  "video/mp4;codecs=avc1.42E01E,mp4a.40.2",
  "video/mp4",
  "video/webm",
];
const SOUND_TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus", "audio/webm"];
// As it is: loudness and tone are measured later, so nothing may even them out. There is no echo, the question is over.
const SOUND = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: { ideal: 1 } };
const PICTURE = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 25, max: 30 }, facingMode: "user" };

export function bestType(isSupported = (type) => MediaRecorder.isTypeSupported(type), types = TYPES) {
  return types.find(isSupported) ?? "";
}

// Why this browser cannot record at all, as the name of a word; undefined when it can.
export function obstacle(scope = globalThis) {
  if (!scope.isSecureContext) return "insecure";
  if (!scope.navigator?.mediaDevices?.getUserMedia || !scope.MediaRecorder || !scope.crypto?.subtle) return "unsupported";
  return undefined;
}

// The word for a failure of getUserMedia. Older browsers have other names for the same thing.
export function wordFor(error) {
  const others = {
    PermissionDeniedError: "NotAllowedError", SecurityError: "NotAllowedError",
    DevicesNotFoundError: "NotFoundError", TrackStartError: "NotReadableError", AbortError: "NotReadableError",
    ConstraintNotSatisfiedError: "OverconstrainedError",
  };
  const name = others[error?.name] ?? error?.name;
  return ["NotAllowedError", "NotFoundError", "NotReadableError", "OverconstrainedError"].includes(name) ? name : "unknown";
}

export function openCamera() {
  return navigator.mediaDevices.getUserMedia({ video: PICTURE, audio: SOUND });
}

// Sound alone.
export function openMicrophone() {
  return navigator.mediaDevices.getUserMedia({ audio: SOUND });
}

export function closeCamera(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

export function isAlive(stream) {
  const tracks = stream?.getTracks() ?? [];
  return tracks.length > 1 && tracks.every((track) => track.readyState === "live");
}

// A MediaRecorder over the stream, asked for one piece a second with a key frame in each.
export function recorderOf(stream, { videoBits, audioBits }) {
  const types = stream.getVideoTracks().length ? TYPES : SOUND_TYPES;
  return new MediaRecorder(stream, {
    mimeType: bestType(undefined, types) || undefined,
    videoBitsPerSecond: videoBits,
    audioBitsPerSecond: audioBits,
    videoKeyFrameIntervalDuration: 1000,
  });
}

// One blob as pieces of at most `limit` bytes: some browsers hand out 50 MB at once after a pause.
export function pieces(blob, limit) {
  const found = [];
  for (let start = 0; start < blob.size; start += limit) found.push(blob.slice(start, start + limit));
  return found;
}

// A recording made by a browser does not know its length: seeking far behind the end makes the player find it out.
export function findLength(video) {
  video.addEventListener("loadedmetadata", () => {
    if (video.duration !== Infinity) return;
    video.addEventListener("durationchange", () => { video.currentTime = 0; }, { once: true });
    video.currentTime = 1e7;
  }, { once: true });
}
