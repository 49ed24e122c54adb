"""A7: the gradient's way back, measured on finished runs before and after training."""

from typing import Any

import pandas as pd
import torch

from lab.config.errors import UserError
from lab.memory import flow_figures
from lab.memory.cells import LSTM
from lab.memory.finished import load_network
from lab.memory.flow import Flow, gradient_flow, some_palindromes
from lab.memory.gates import gate_values
from lab.memory.network import initial_network
from lab.report.evidence import FAILS, HOLDS, ONLY_IF, Finding, Results
from lab.report.memory import ONE_HOT, OURS

# The factor of one step back below which a gradient vanishes, and above which it is kept.
VANISHES, KEEPS = 0.9, 0.95
LONG = 100


def a7(results: Results) -> Finding:
    """The norm of dLoss/dh(t) and dLoss/dc(t) against t."""
    chosen = _one_of_each(results)
    finding = Finding(
        "A7",
        f"measured at T={LONG}: the RNN's dLoss/dh must shrink below x{VANISHES} a step back at "
        "its start, the trained LSTM's dLoss/dc stay above "
        f"x{KEEPS}; holds only if the forget gate starts open where the LSTM's own start does not "
        "keep it",
        evidence=chosen,
    )
    if chosen.empty or not {"rnn", "lstm"} <= set(chosen.cell):
        return finding.open("a finished run of the RNN and one of the LSTM")
    torch.set_num_threads(1)  # as a run: more are slower for networks this small
    rows, flows = [], {}
    for run in chosen.to_dict("records"):
        try:
            name, both, row = _measure(results, run)
        except (UserError, OSError, RuntimeError) as error:
            finding.missing.append(str(error))
            continue
        flows[name] = both
        rows.append(row)
    table = finding.table = pd.DataFrame(rows)
    finding.figures["a7_flow"] = flow_figures.compare_flows(flows, LONG)
    rnn, lstm = (table[table.cell == cell] for cell in ("rnn", "lstm"))
    if rnn.empty or lstm.empty:
        return finding.open("a run of each cell that can be opened")
    start, trained = "factor a step back at the start", "factor a step back, trained"
    default = lstm[lstm.network.str.contains("default")]
    shown = default if len(default) else lstm
    vanishes = float(rnn[start].iloc[0]) < VANISHES
    at_start, after = float(shown[start].iloc[0]), float(shown[trained].iloc[0])
    if vanishes and at_start > KEEPS and after > KEEPS:
        leaning, condition = HOLDS, ""
    elif vanishes and float(lstm[trained].max()) > KEEPS:
        leaning = ONLY_IF
        condition = (
            "the forget gates are open, at the start or after training: the cell state alone does "
            "not keep the gradient"
        )
    else:
        leaning, condition = FAILS, ""
    finding.reason = (
        f"Each step back multiplies the gradient by {float(rnn[start].iloc[0]):.2f} in the RNN at "
        "its start. In the LSTM with torch's start it is "
        f"{at_start:.2f} at the start, where the mean forget gate is "
        f"{float(shown['mean forget gate, at the start'].iloc[0]):.2f}, and {after:.2f} after "
        "training; the best LSTM "
        f"here starts with {float(lstm[start].max()):.2f}."
    )
    finding.judge(leaning, condition, n=len(table), needed=2, of="networks")
    return finding


def _one_of_each(results: Results) -> pd.DataFrame:
    """The longest run of the RNN and of the LSTM with the sources' settings, and of our LSTM."""
    source = results.where(ONE_HOT, cell=["rnn", "lstm"])
    both = source.groupby("seq_len").cell.nunique() if len(source) else pd.Series(dtype=int)
    lengths = both[both == 2].index
    parts = []
    if len(lengths):
        parts.append(
            source[source.seq_len == lengths.max()].sort_values("seed").drop_duplicates("cell")
        )
    ours = results.where(OURS, {"cell.init": "forget_bias"}, cell="lstm")
    if len(ours):
        parts.append(ours.sort_values(["seq_len", "seed"], ascending=[False, True]).head(1))
    return pd.concat(parts) if parts else source


def _measure(
    results: Results, run: dict[str, Any]
) -> tuple[str, tuple[Flow, Flow], dict[str, Any]]:
    """Its name, its flows at the start and trained, and the row of the table."""
    trained, config = load_network(results.folder(run["run"]))
    digits = some_palindromes(config, LONG)
    start = initial_network(config)
    flows = gradient_flow(start, digits), gradient_flow(trained, digits)
    state = list(flows[0].norms)[-1]
    row = {
        "network": f"{config.label}, trained at T={config.seq_len}",
        "cell": config.cell_name,
        "gradient of": state,
        "n": len(digits),
        "factor a step back at the start": round(flows[0].factor(state), 4),
        "factor a step back, trained": round(flows[1].factor(state), 4),
    }
    if isinstance(trained.cell, LSTM):
        for words, network in (("at the start", start), ("trained", trained)):
            row[f"mean forget gate, {words}"] = round(
                float(gate_values(network, digits[:, :-1]).f.mean()), 3
            )
    return config.label, flows, row
