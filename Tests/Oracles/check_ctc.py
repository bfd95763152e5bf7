"""PyTorch's CTCLoss beside Numeral's: losses and gradients of logits, blanks, repeated labels, empty texts, texts too long.

    python3 Tests/Oracles/check_ctc.py            # compares the stored cases with PyTorch, then runs Numeral's tests on them
    python3 Tests/Oracles/check_ctc.py --write    # writes Tests/NeuralNetworkTests/Fixtures/ctc.json anew

Needs torch.
"""
import json
import pathlib
import subprocess
import sys

import numpy as np
import torch

FILE = pathlib.Path(__file__).parents[1] / "NeuralNetworkTests" / "Fixtures" / "ctc.json"


def solve(logits, text):
    """−log P(text) and its gradient by the logits, in double precision; the blank is the last class."""
    z = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    columns, classes = z.shape
    loss = torch.nn.functional.ctc_loss(
        z.log_softmax(1)[:, None, :], torch.tensor([text], dtype=torch.long).reshape(1, -1), [columns], [len(text)],
        blank=classes - 1, reduction="sum")
    if not torch.isfinite(loss):
        return None, None
    loss.backward()
    return loss.item(), z.grad.numpy()


def cases():
    rng = np.random.default_rng(7)
    texts = [(1, 3, []), (1, 3, [1]), (4, 3, [0, 0]), (3, 3, [0, 0]), (2, 3, [0, 0]), (5, 4, [0, 1, 2, 1]),
             (12, 11, [7]), (12, 11, []), (24, 11, [1, 1, 1, 2, 2]), (64, 11, [3, 3, 9, 0, 5, 5, 1, 2]),
             (96, 27, list(range(20))), (8, 5, [0, 1, 2, 3, 0, 1, 2, 3]), (8, 5, [0, 0, 2, 3, 0, 1, 2, 3])]
    for columns, classes, text in texts:
        for scale in (1, 12):
            yield np.float32(rng.normal(0, scale, (columns, classes))), text


def main():
    if "--write" in sys.argv:
        records = []
        for logits, text in cases():
            loss, gradient = solve(logits, text)
            records.append({
                "columns": logits.shape[0], "classes": logits.shape[1], "text": text,
                "logits": [float(x) for x in logits.ravel()], "loss": loss,
                "gradient": None if gradient is None else [round(float(x), 12) for x in gradient.ravel()]})
        FILE.write_text(json.dumps(records) + "\n")
        print(f"{len(records)} cases written")
        return
    worst = 0.0
    records = json.loads(FILE.read_text())
    for record in records:
        logits = np.array(record["logits"], np.float32).reshape(record["columns"], record["classes"])
        loss, gradient = solve(logits, record["text"])
        assert (loss is None) == (record["loss"] is None), record["text"]
        if loss is None:
            continue
        worst = max(worst, abs(loss - record["loss"]) / max(1, abs(loss)),
                    float(np.abs(gradient.ravel() - np.array(record["gradient"])).max()))
    print(f"{len(records)} cases, stored and PyTorch {torch.__version__} now: largest difference {worst:.1e}")
    assert worst < 1e-9
    print("Numeral against the stored cases (10⁻⁵):", flush=True)
    root = pathlib.Path(__file__).parents[2]
    sys.exit(subprocess.run(["Tests/run.sh", "--filter", "CTCTests"], cwd=root).returncode)


main()
