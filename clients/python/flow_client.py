"""A client of FlowService: one file, NumPy and the standard library.

    from flow_client import Client
    client = Client("http://localhost:8080", model="two-moons")
    client.score(rows, alpha=0.01)["anomaly"]            # rows: an array, or a DataFrame, which comes back with more columns
    client.score_file("rows.csv", "scored.csv", explain=3)   # .csv, .npy, .parquet, .arrow, .ndjson of any size
    for scores in client.score_chunks(arrays): ...           # one request after the other, memory for one

A service that is busy (429) or not ready (503) says when to come back; the client waits as long, and tries again.
"""

import io
import json
import os
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request

import numpy

NPY, CSV = "application/x-npy", "text/csv"
MEDIA_TYPES = {
    ".csv": CSV,
    ".tsv": CSV,
    ".npy": NPY,
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": "application/vnd.apache.arrow.stream",
    ".arrows": "application/vnd.apache.arrow.stream",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
}


class FlowError(Exception):
    """The service refused a request, or could not answer it: `status`, and what it says, as `problem`."""

    def __init__(self, status, problem):
        super().__init__(f"{status}: {problem.get('detail') or problem.get('title') or 'no reason given'}")
        self.status, self.problem = status, problem


class Client:
    """Asks one service for scores, samples and latents.

    url      where the service is
    model    the model that is asked where a call names no other; may be left out where the service has one
    retries  how often a call is tried again after 429 or 503
    timeout  seconds that one try may take
    key      the caller's key or token, where the service needs one

    Further arguments of a call go to the service as they are. Arrays of images say by their shape which size these have; where rows are flat
    and the model takes several sizes, size=(height, width) does.
    """

    def __init__(self, url="http://localhost:8080", model=None, retries=5, timeout=300, sleep=time.sleep, key=None):
        self.url, self.model, self.retries, self.timeout, self._sleep = url.rstrip("/"), model, retries, timeout, sleep
        self.key = key

    def score(self, rows, alpha=0.01, include=("p_value", "q_value"), explain=None, model=None, **arguments):
        """Says which rows are anomalies: a structured array with log_prob, p_value, q_value and anomaly (1 or 0) for an array of
        rows; for a pandas DataFrame a new one, with these behind its own columns, and with `explain=3` three reasons for each anomaly."""
        if not hasattr(rows, "to_csv"):
            if explain:
                raise ValueError("explain needs a DataFrame, or score_file: an array has no place for reasons")
            return self._array("/score", _npy(rows), NPY, model, {"alpha": alpha, "include": include, **arguments})
        import pandas

        answer = self._call("/score", rows.to_csv(index=False).encode(), CSV, CSV, self._query(model, alpha, include, explain, arguments))
        with answer:
            scored = pandas.read_csv(answer)
        scored.index = rows.index
        return scored

    def score_chunks(self, arrays, alpha=0.01, model=None, **arguments):
        """Scores arrays one after the other, each in a request of its own; q-values would be each array's own, and are left out."""
        for rows in arrays:
            yield self.score(rows, alpha, ("p_value",), model=model, **arguments)

    def score_file(self, source, target, alpha=0.01, include=("p_value", "q_value"), explain=None, model=None, **arguments):
        """Scores a file of any size into another, in the formats of their names, in bounded memory."""
        if os.path.exists(target) and os.path.samefile(source, target):
            raise ValueError(f"{target} is the source itself; its rows would be lost")
        query = self._query(model, alpha, include, explain, arguments)
        with self._call("/score", source, _type_of(source), _type_of(target), query) as answer:
            aside = f"{target}.part"
            try:
                with open(aside, "wb") as file:
                    shutil.copyfileobj(answer, file, 1 << 20)
                os.replace(aside, target)
            finally:
                if os.path.exists(aside):
                    os.remove(aside)

    def log_prob(self, rows, model=None, **arguments):
        """The log density of each row, in nats."""
        return self._array("/logprob", *_body(rows), model, arguments)

    def sample(self, count, seed=None, model=None, context=None, **arguments):
        """Rows drawn from the model: [count, ...event]. Of a conditional model `count` for each context: a class, a list of numbers, or
        an array, whose images may have any size that the model takes."""
        query = {"count": count, "seed": seed, **arguments}
        if hasattr(context, "shape"):
            return self._array("/sample", _npy(context), NPY, model, query)
        return self._array("/sample", None, None, model, {"context": context, **query})

    def encode(self, rows, model=None, **arguments):
        """The latent of each row."""
        return self._array("/encode", *_body(rows), model, arguments)

    def decode(self, latents, model=None, **arguments):
        """The row of each latent."""
        return self._array("/decode", *_body(latents), model, arguments)

    def models(self):
        """What is loaded."""
        with self._call("/models", None, None, "application/json", {}, "GET") as answer:
            return json.load(answer)["models"]

    def _query(self, model, alpha, include, explain, arguments):
        names = [*include, "attribution"] if explain else include
        return {"model": model or self.model, "alpha": alpha, "include": names, "top": explain, **arguments}

    def _array(self, path, body, content_type, model, arguments):
        with self._call(path, body, content_type, NPY, {"model": model or self.model, **arguments}) as answer:
            return numpy.load(io.BytesIO(answer.read()), allow_pickle=False)

    def _call(self, path, body, content_type, accept, query, method="POST"):
        """The open answer of a call. A body is bytes, or the path of a file that is sent as it is read; None for none."""
        address = self.url + path
        said = {name: _text(value) for name, value in query.items() if value is not None}
        if said:
            address += "?" + urllib.parse.urlencode(said)
        for tries_left in range(self.retries, -1, -1):
            try:
                return self._try(address, body, content_type, accept, method)
            except urllib.error.HTTPError as error:
                with error:
                    problem = _problem(error)
                    if error.code not in (429, 503) or tries_left == 0:
                        raise FlowError(error.code, problem) from None
                    wait = error.headers.get("Retry-After", "1")
            self._sleep(float(wait) if wait.isdigit() else 1.0)

    def _try(self, address, body, content_type, accept, method):
        headers = {"Accept": accept}
        if self.key is not None:
            headers["Authorization"] = "Bearer " + self.key
        if content_type is not None:
            headers["Content-Type"] = content_type
        if not isinstance(body, (str, os.PathLike)):
            return urllib.request.urlopen(urllib.request.Request(address, body, headers, method=method), timeout=self.timeout)
        with open(body, "rb") as file:
            headers["Content-Length"] = str(os.path.getsize(body))
            return urllib.request.urlopen(urllib.request.Request(address, file, headers, method=method), timeout=self.timeout)


def _body(rows):
    """Rows, and their media type: a DataFrame's columns go by their names, in whatever order they are."""
    return (rows.to_csv(index=False).encode(), CSV) if hasattr(rows, "to_csv") else (_npy(rows), NPY)


def _npy(rows):
    # Values behind a mask are missing, whatever lies there.
    array = rows.astype(float).filled(numpy.nan) if numpy.ma.isMaskedArray(rows) else numpy.asarray(rows)
    if array.dtype.kind == "O":
        raise ValueError("the rows are no array of numbers, [rows, columns]")
    body = io.BytesIO()
    numpy.save(body, array, allow_pickle=False)
    return body.getvalue()


def _text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _type_of(path):
    ending = os.path.splitext(path)[1].lower()
    if ending not in MEDIA_TYPES:
        raise ValueError(f"{path}: ends in none of {', '.join(MEDIA_TYPES)}")
    return MEDIA_TYPES[ending]


def _problem(error):
    try:
        return json.loads(error.read())
    except ValueError:
        return {"title": error.reason}
