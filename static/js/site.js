// The only script: each element is a behaviour over HTML that the server already made.
import "./elements/theme-choice.js";
import "./elements/copy-link.js";
import "./elements/level-meter.js";
import "./elements/question-voice.js";
import "./elements/device-check.js";
import "./elements/answer-recorder.js";
import "./elements/forget-recordings.js";
import "./elements/interview-room.js";
import "./elements/answer-review.js";
import "./elements/transcript-player.js";
import "./elements/emotion-timeline.js";
import "./elements/lazy-part.js";
import "./elements/live-news.js";
import "./elements/report-text.js";
import "./elements/training-curves.js";
import "./elements/compared-curves.js";
