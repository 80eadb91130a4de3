// How found pages are ranked: as Sphinx does, and what answers somebody on call before what only mentions it.
var Scorer = {
  score: ([page, _title, _anchor, _description, score]) =>
    score + (/^causes\//.test(page) ? 12 : /^(on-call|symptoms)$/.test(page) ? 10 : /^rules\//.test(page) ? 5 : 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
