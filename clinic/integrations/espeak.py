"""One sentence through espeak-ng's library: python -I -S espeak.py LIBRARY DATA VOICE < text > samples.

A program of its own, beside nothing of ours: the library keeps its state in globals, stops the process on some faults,
and is under the GPL. Prints the rate (Hz) and a line end, then 16-bit mono samples. Ends with 1 and a sentence when
it cannot.
"""

import ctypes
import os
import sys

RETRIEVAL = 1  # AUDIO_OUTPUT_RETRIEVAL: samples go to the callback, and no sound device is opened
DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT
UTF8 = 1  # espeakCHARS_UTF8: without espeakSSML, so that markup is said and not obeyed
RATE = 1  # espeakRATE
WORDS_A_MINUTE = 140  # espeak's own is 175: questions are listened to once, by somebody who may be tired
OnSamples = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def say(text: str, library: str, data: str, voice: str) -> tuple[int, bytes]:
    """The rate and the samples. Raises RuntimeError."""
    os.chdir(os.path.dirname(data))  # the library cuts off paths that are longer than 160 characters
    espeak = ctypes.CDLL(library)
    rate = espeak.espeak_Initialize(RETRIEVAL, 0, b".", DONT_EXIT)
    if rate <= 0:
        raise RuntimeError("its data cannot be read")
    heard = bytearray()

    @OnSamples
    def keep(samples, count, _events):
        if samples and count > 0:
            heard.extend(ctypes.string_at(samples, 2 * count))
        return 0

    espeak.espeak_SetSynthCallback(keep)
    if espeak.espeak_SetVoiceByName(voice.encode()) != 0:
        raise RuntimeError(f"it has no voice {voice}")
    espeak.espeak_SetParameter(RATE, WORDS_A_MINUTE, 0)
    said = text.encode() + b"\0"
    espeak.espeak_Synth(said, ctypes.c_size_t(len(said)), 0, 0, 0, UTF8, None, None)
    espeak.espeak_Synchronize()
    if not heard:
        raise RuntimeError("it found nothing that it can say")
    return rate, bytes(heard)


def main() -> None:
    text = sys.stdin.buffer.read().decode()
    try:
        rate, samples = say(text, *sys.argv[1:4])
    except (RuntimeError, OSError) as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(b"%d\n" % rate + samples)


if __name__ == "__main__":
    main()
