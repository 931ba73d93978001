"""Tests of the client against a running service, whose address is FLOW_URL; it serves the project's test models."""

import http.server
import os
import tempfile
import threading
import unittest

import numpy

from flow_client import Client, FlowError

URL = os.environ.get("FLOW_URL")


@unittest.skipUnless(URL, "FLOW_URL names no service; FlowService.Tests starts one, and runs this")
class ServiceTests(unittest.TestCase):
    def setUp(self):
        self.client = Client(URL, model="two-moons")
        self.rows = numpy.array([[0, 0.1], [0.5, -0.25], [30, -30]], "float32")

    def test_arrays_are_scored(self):
        scores = self.client.score(self.rows, alpha=0.05)
        self.assertEqual(("log_prob", "p_value", "q_value", "anomaly"), scores.dtype.names)
        self.assertEqual([0, 0, 1], scores["anomaly"].tolist())
        self.assertTrue(numpy.array_equal(scores["log_prob"], self.client.log_prob(self.rows)))

    def test_samples_go_to_latents_and_back(self):
        samples = self.client.sample(100, seed=7)
        self.assertEqual((100, 2), samples.shape)
        self.assertTrue(numpy.array_equal(samples, self.client.sample(100, seed=7)))
        self.assertLess(numpy.abs(self.client.decode(self.client.encode(samples)) - samples).max(), 1e-4)

    def test_files_are_scored_in_bounded_memory(self):
        with tempfile.TemporaryDirectory() as folder:
            source, target, array, scores = (os.path.join(folder, name) for name in ("rows.csv", "scored.csv", "rows.npy", "scores.npy"))
            with open(source, "w") as file:
                file.write("id,x_0,x_1\n" + "".join(f"{i},{i % 7},{i % 5}\n" for i in range(20000)) + "last,30,-30\n")
            self.client.score_file(source, target, alpha=0.05, explain=1)
            with open(target) as file:
                lines = file.read().splitlines()
            self.assertEqual("id,x_0,x_1,log_prob,p_value,q_value,anomaly,reason_1,error", lines[0])
            self.assertEqual(20002, len(lines))
            self.assertIn(",true,x_", lines[-1])
            numpy.save(array, numpy.tile(self.rows, (50000, 1)))
            self.client.score_file(array, scores, alpha=0.05)
            self.assertEqual(50000, numpy.load(scores)["anomaly"].sum())
            self.assertRaisesRegex(ValueError, "is the source itself", self.client.score_file, array, array)
            self.assertEqual(4, len(os.listdir(folder)))

    def test_what_is_masked_is_missing_and_what_has_names_goes_by_them(self):
        masked = numpy.ma.array(self.rows, mask=[[False, False], [True, False], [False, False]])
        self.assertRaisesRegex(FlowError, "row 1, column 0 is NaN", self.client.log_prob, masked)
        self.assertRaisesRegex(ValueError, "no array of numbers", self.client.log_prob, None)

        class Frame:  # of pandas no more is used
            def to_csv(self, index):
                return "x_1,x_0\n" + "".join(f"{y!r},{x!r}\n" for x, y in rows)

        rows = self.rows.tolist()
        self.assertTrue(numpy.array_equal(self.client.log_prob(self.rows), self.client.log_prob(Frame())))

    def test_chunks_are_scored_one_after_the_other(self):
        self.assertEqual([1, 1, 1], [int(scores["anomaly"].sum()) for scores in self.client.score_chunks([self.rows] * 3, alpha=0.05)])

    def test_data_frames_come_back_with_more_columns(self):
        try:
            import pandas
        except ImportError:
            return  # nobody without pandas has a DataFrame
        frame = pandas.DataFrame({"id": ["a", "b"], "x_0": [0, 30], "x_1": [0.1, -30]}, index=[7, 8])
        scored = self.client.score(frame, alpha=0.05, explain=1)
        self.assertEqual([False, True], scored["anomaly"].tolist())
        self.assertEqual([7, 8], scored.index.tolist())

    def test_a_refusal_says_why(self):
        with self.assertRaises(FlowError) as refused:
            self.client.score(numpy.zeros((1, 3)))
        self.assertEqual(422, refused.exception.status)
        self.assertIn("takes 2", str(refused.exception))

    def test_models_are_listed(self):
        self.assertIn("two-moons", [model["name"] for model in self.client.models()])


class RetryTests(unittest.TestCase):
    """A busy service, as one sees it: 429, then 503, then an answer."""

    def test_it_waits_as_long_as_it_is_told_and_tries_again(self):
        answers, waits, keys = [(429, "3"), (503, None), (200, None)], [], []

        class Busy(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, wait = answers.pop(0)
                keys.append(self.headers["Authorization"])
                body = b'{"models": []}' if status == 200 else b'{"detail": "busy"}'
                self.send_response(status)
                if wait:
                    self.send_header("Retry-After", wait)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        with http.server.HTTPServer(("127.0.0.1", 0), Busy) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            address = f"http://127.0.0.1:{server.server_port}"
            self.assertEqual([], Client(address, sleep=waits.append, key="mine").models())
            self.assertEqual(["Bearer mine"] * 3, keys)
            answers.extend([(429, "1")] * 2)
            with self.assertRaises(FlowError):
                Client(address, retries=1, sleep=waits.append).models()
            server.shutdown()
        self.assertEqual([3.0, 1.0, 1.0], waits)


if __name__ == "__main__":
    unittest.main()
