"""The emotion-label study: a language model reads made cases, once with emotion labels and once without, and is graded.

It holds vignettes and never a patient's words: nothing here reads an interview, and there is no door from one.
"""
