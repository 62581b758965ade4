// A report whose times play the recording: at once where the answer is on the page, otherwise on the page they lead to.
class ReportText extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-seconds]");
      if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
      const review = document.querySelector(`answer-review[data-answer="${link.dataset.answer}"]`);
      if (!review?.seek) return;
      event.preventDefault();
      review.scrollIntoView({ block: "start" });
      review.seek(Number(link.dataset.seconds), { play: true });
    });
  }
}
customElements.define("report-text", ReportText);

// A page opened at a second of its recording: …?answer=12#t=7.2
const place = /^#t=(\d+(?:\.\d+)?)$/.exec(location.hash);
if (place) customElements.whenDefined("answer-review").then(() => document.querySelector("answer-review")?.seek(Number(place[1])));
