"""A program that hears one recording and prints what it took: its own process, so that the peak is its own."""

PEAK = """
import json, os, re, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django; django.setup()
from pathlib import Path
import emotion.services
from clinic.integrations.hearing import Sound, hearing_for
from emotion.ml import media

name, path = sys.argv[1], Path(sys.argv[2])
def megabytes():  # not getrusage: that one begins with the peak of the process that started this one
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
hearing = hearing_for("en")
loaded, begin = megabytes(), time.process_time()
if name == "ours":
    words = hearing.hear(Sound(*emotion.services.sound_of(path))).words
else:
    segments, _ = hearing._model.transcribe(media.sound(path), language="en", vad_filter=True, word_timestamps=True)
    words = [word for segment in segments for word in segment.words]
print(json.dumps({
    "peak_megabytes": round(megabytes()), "of_it_with_the_model_alone": round(loaded), "words": len(words),
    "share_of_real_time": round((time.process_time() - begin) / media.probe(path).duration, 4),
}))
"""
