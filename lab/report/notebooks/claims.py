# %% [markdown]
# # Claims about memory and GANs, and what holds
#
# `lab` trains recurrent networks on sequences, and GANs on MNIST. It was built from five
# documents: an assignment (S2), three reports on it (S0, S1, S3) and a report on one-layer GANs
# (S4). This page tests their claims, and some claims of papers, with our own runs. The program
# computes every verdict from the numbers beside it.

# %% tags=["parameters"]
out_dir = "outputs"
saved: str | None = "docs/evidence"
config_dirs: list[str] = []

# %%
from lab.report.page import Report

report = Report(out_dir, saved, config_dirs)
report.summary()
report.figure("a2", 3)
report.figure("b4", 2)

# %% [markdown]
# ## The claims
#
# A claim has parts. Each part is a number with a bound. *Holds*: every part passes. *Holds in
# part*: some parts pass. *Does not hold*: no part passes. *Not settled*: there are too few runs.
# The mean is over seeds, and the interval is the 95 % interval of that mean by Student's t.

# %%
report.overview()

# %% [markdown]
# ## Memory
#
# A palindrome has T digits. The network reads the first T - 1 and gives the last, which equals the
# first. Accuracy is measured on palindromes that are in neither the training nor the validation
# set. Up to T=8 there are no such palindromes, and it is measured on the validation set.

# %%
report.section("memory")

# %% [markdown]
# ## A bench of memory
#
# There are seven sequences, trained up to T=40 and tested up to T=500. An entry of the table is the
# median of the seeds. In brackets are the smallest and the largest value.

# %%
report.bench()

# %% [markdown]
# ## Generation
#
# A generator G and a discriminator D play the minimax game on MNIST. A small classifier of the same
# images gives the features for FID, precision and recall. Compare such numbers only with others of
# the same classifier and the same number of images.

# %%
report.section("generation")

# %% [markdown]
# ## GANs by hand
#
# There is a GAN of single layers for each digit, with gradients written by hand. The *share read as
# their digit* is the share of samples that the classifier reads as the digit they should be.

# %%
report.section("by_hand")

# %%
report.pages()

# %% [markdown]
# ## What has not been run
#
# `scripts/reproduce` runs everything. `scripts/reproduce quick` runs a small version.

# %%
report.missing()

# %% [markdown]
# ## Where the numbers come from

# %%
report.provenance()
