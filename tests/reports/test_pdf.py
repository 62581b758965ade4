"""A report as a PDF: shaped, tagged, and made of data: nothing that was said is ever run."""

import contextlib
import re
import socket
import zlib
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typst
from django.urls import reverse

from clinic.config import browser_files
from clinic.models import AuditEntry
from reports import services
from reports.pdf import typesetting
from reports.pdf.blocks import ISOLATE, blocks, direction_of, words_of
from reports.pdf.exporting import language_of
from reports.pdf.typesetting import NoTypeface, Sheet, typeset
from reports.rendering import to_html
from tests.reports.cases import answered, finished, points

ROOT = Path(__file__).resolve().parent.parent.parent
ENGLISH = "# Interview report\n\n## Question 1\n\n> “It has been hard”\n\n- At [0:07](#answer-1@7.2) a pause.\n"
ARABIC = "# تقرير المقابلة\n\n## السؤال 1\n\n> «ههه: لا أنام جيدًا»\n\n- عند [0:07](#answer-1@7.2) وقفة في 2026-11-01.\n"
HOSTILE = (
    '#import "@preview/cetz:0.3.4"\n\n#read("/etc/passwd") #eval("1+1") $x^2$ \\`raw\\` <label> @ref https://evil.example'
    '\n\n    #include "/etc/hosts"\n\n\\#image("http://evil.example/a.png") #panic() *[ ]* ==== \\\\u{41} “#”'
)


@pytest.fixture(scope="module")
def npm_files() -> Path:
    with contextlib.suppress(browser_files.NothingToInstall):
        browser_files.install(ROOT / "package.json", ROOT / "var" / "npm")
    if not (ROOT / "var/npm/node_modules/@expo-google-fonts/noto-naskh-arabic").is_dir():
        pytest.skip("npm could not install the Arabic typeface here.")
    return ROOT / "var" / "npm" / "node_modules"


@pytest.fixture
def naskh(settings, npm_files):
    settings.NODE_MODULES = npm_files


def laid(text: str) -> list[dict]:
    return blocks(to_html(text, {1: 11}, lambda answer, seconds: "#"), direction_of(text))


def sheet(text: str) -> Sheet:
    return Sheet(
        language=language_of(text),
        direction=direction_of(text),
        title=words_of(laid(text)[0]),
        title_short="Interview report",
        patient="Mina Haddad · Record 4711",
        status="Draft: not signed by anybody.",
        purpose="It does not diagnose.",
        page="Page {page} of {pages}",
        blocks=laid(text),
        unshown="Some characters are in no typeface.",
        made_at=datetime(2026, 11, 1, tzinfo=UTC),
    )


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type ?/Page\b", pdf))


def drawn(pdf: bytes) -> list[str]:
    """What each glyph of the file's fonts stands for: a letter that is not drawn is not in it."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S):
        with contextlib.suppress(zlib.error):
            text = zlib.decompress(stream)
            if b"beginbfchar" in text:
                codes = re.findall(rb"<[0-9A-Fa-f]+> ?<([0-9A-Fa-f]+)>", text)
                found += [bytes.fromhex(code.decode()).decode("utf-16-be") for code in codes]
    return found


def test_an_english_report_is_tagged_titled_and_follows_pdf_ua():
    pdf = typeset(sheet(ENGLISH))
    assert pdf.startswith(b"%PDF-")
    assert pages(pdf) == 1
    assert b"/Lang(en)" in pdf
    assert b"/Marked true" in pdf
    assert b"/StructTreeRoot" in pdf
    assert b"pdfuaid:part" in pdf
    assert b"Interview report" in pdf
    assert b"LibertinusSerif" in pdf
    assert re.search(rb"/FontFile[23]?\b", pdf)


def test_an_arabic_report_has_its_typeface_inside_and_its_letters_joined(naskh):
    pdf = typeset(sheet(ARABIC))
    assert b"/Lang(ar)" in pdf
    assert b"pdfuaid:part" in pdf
    assert re.search(rb"/BaseFont ?/\w+\+NotoNaskhArabic", pdf)
    # The same letter at the beginning, in the middle and at the end of a word: three glyphs, not one.
    assert len([letter for letter in drawn(pdf) if letter == "ه"]) >= 3


@pytest.mark.parametrize("text", [ENGLISH, ARABIC], ids=["english", "arabic"])
def test_the_compiler_has_nothing_to_complain_of(naskh, text):
    data = {**asdict(sheet(text)), "made_at": "", "note": "", "has_naskh": True}
    compiler = typst.Compiler(
        typesetting.TEMPLATE.read_bytes(),
        root=str(typesetting.HERE),
        font_paths=typesetting._fonts(typesetting._folder()),
        sys_inputs={"report": typesetting.json.dumps(data)},
    )
    assert compiler.compile_with_warnings(format="pdf", pdf_standards=["ua-1"])[1] == []


def test_a_long_report_has_numbered_pages(naskh):
    assert pages(typeset(sheet(ENGLISH + "\nMore was said about it.\n" * 120))) > 2


@pytest.fixture
def unasked(monkeypatch):
    """A proxy for every request there might be; whoever knocks is seen."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{server.getsockname()[1]}")
        yield
        with pytest.raises(TimeoutError):
            server.accept()


def test_hostile_words_are_printed_and_never_run(unasked):
    pdf = typeset(sheet("# Report\n\n" + HOSTILE))
    assert {"#", "$", "`", "@", "^", "(", "="} <= set(drawn(pdf))
    assert b"pdfuaid:part" in pdf
    assert pages(pdf) == 1
    assert b"/Subtype/Image" not in pdf.replace(b" ", b"")
    assert b"/URI" not in pdf


def test_the_template_reaches_for_nothing_outside_itself():
    template = typesetting.TEMPLATE.read_text()
    assert not re.search(r"#?\b(import|include|read|image|eval|plugin|csv|yaml|toml|xml)\b[ (]", template)
    assert "@preview" not in template
    with pytest.raises(typst.TypstError):
        typst.compile(b'#read("/../../../../../../etc/passwd")', root=str(typesetting.HERE))


def test_a_character_without_a_typeface_does_not_keep_the_report_from_being_made():
    pdf = typeset(sheet(ENGLISH + "\nA smile \U0001f600 and 漢字.\n"))
    assert pages(pdf) == 1
    assert b"/Marked true" in pdf  # tagged all the same, but it does not claim PDF/UA
    assert b"pdfuaid:part" not in pdf


def test_without_the_arabic_typeface_arabic_is_refused_with_a_sentence_and_english_works(settings, tmp_path):
    settings.NODE_MODULES = tmp_path
    with pytest.raises(NoTypeface, match="Arabic typeface is not installed"):
        typeset(sheet(ARABIC))
    assert pages(typeset(sheet(ENGLISH))) == 1


def test_each_paragraph_is_read_from_its_own_side():
    found = laid(ENGLISH + "\n> قالت: I sleep\n\n- one\n- اثنان\n")
    assert [(one["tag"], one["dir"]) for one in found[-3:]] == [("blockquote", "rtl"), ("ul", "ltr"), ("ul", "rtl")]


def test_times_stand_in_brackets_and_dates_keep_their_order_in_arabic():
    said = words_of(laid(ARABIC)[-1])
    assert f"{ISOLATE}[0:07]" in said
    assert f"{ISOLATE}2026-11-01" in said
    assert "Answer 1 from" not in said


def test_headings_never_skip_a_level():
    levels = [one["level"] for one in laid("## Two\n\n#### Four\n\n# One\n\n### Three\n") if one["tag"] == "heading"]
    assert levels == [1, 2, 1, 2]


# --- The door ---


@pytest.fixture
def report(interview):
    answered(interview.answers.first(), "It has been hard … but my sister visits me", points(("sad", 8), ("happy", 6)))
    return services.draft(finished(interview), None).report


def address(report) -> str:
    return reverse("reports:download_pdf", args=[report.interview_id])


def test_her_clinician_takes_the_pdf_and_it_is_noted(client, clinician, report):
    client.force_login(clinician)
    assert address(report) in client.get(reverse("reports:report", args=[report.interview_id])).content.decode()
    response = client.get(address(report))
    assert response["Content-Type"] == "application/pdf"
    assert "no-store" in response["Cache-Control"]
    assert f'filename="report-{report.interview_id}.pdf"' in response["Content-Disposition"]
    assert response.content.startswith(b"%PDF-")
    last = AuditEntry.objects.last()
    assert (last.actor, last.verb, last.subject) == (f"user:{clinician.pk}", "export", report.interview.subject)


def test_who_signed_it_stands_in_it(client, clinician, report, monkeypatch):
    client.force_login(clinician)
    said = []
    monkeypatch.setattr("reports.pdf.exporting.typeset", lambda sheet: said.append(sheet) or b"%PDF-")
    client.get(address(report))
    services.sign(report, clinician, seen=1)
    client.get(address(report))
    assert said[0].status == "Draft: not signed by anybody."
    assert said[1].status.startswith("Signed by Dr Amari, ")
    assert said[1].patient.startswith("Mina Haddad")


def test_where_the_typeface_is_missing_the_page_says_so(client, clinician, report, settings, tmp_path):
    settings.NODE_MODULES = tmp_path
    services.revise(report, ARABIC, clinician, seen=1)
    client.force_login(clinician)
    response = client.get(address(report), follow=True)
    assert "the Arabic typeface is not installed" in response.content.decode()


@pytest.mark.parametrize("who", ["stranger", "admin", "engineer", "strange_patient", "patient"])
def test_nobody_else_takes_it(client, report, who, request):
    person = request.getfixturevalue(who)
    client.force_login(getattr(person, "user", person))
    assert client.get(address(report)).status_code == 404
    assert not AuditEntry.objects.filter(verb="export").exists()
