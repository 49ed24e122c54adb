# %% [markdown]
# # Memory and generation: the assignment
#
# The tasks are in the order of the assignment. The numbers and pictures are from **your own runs**.
# Write your analysis where a paragraph says *Your analysis*.

# %% tags=["parameters"]
out_dir = "outputs"

# %%
from lab.report.assignment import HandIn

hand_in = HandIn(out_dir)
hand_in.overview()

# %% [markdown]
# ## Part I, task 1: the LSTM from its equations
#
# g = tanh(W_gx x + W_gh h + b_g). The gates i, f and o are sigmoid(W_x x + W_h h + b), each with
# weights of its own. c = g i + c f, h = tanh(c) o, p = W_ph h + b_p. A loop goes through the steps,
# autograd gives the gradient, and RMSProp changes the weights. The loss is the cross-entropy at the
# last step.

# %%
hand_in.settings("lstm")

# %%
hand_in.pictures("lstm", "learning_curves")

# %% [markdown]
# *Your analysis: how fast does the loss fall, and do training and validation accuracy differ?*

# %% [markdown]
# ## Part I, task 2: accuracy, and the LSTM beside the RNN

# %%
hand_in.accuracy()

# %% [markdown]
# *Your analysis: up to which length does each network remember, and why? The figures
# `gradient_flow.png` and `gates.png` of each run help.*

# %% [markdown]
# ## Part II, task 1: the GAN

# %%
hand_in.settings("gan")

# %%
hand_in.pictures("gan", "losses")

# %% [markdown]
# ## Part II, task 2: 25 images at the start, halfway and at the end

# %%
hand_in.pictures("gan", "samples_start", "samples_half", "samples_end")

# %% [markdown]
# ## Part II, task 3: nine images from one class to another
#
# There are seven images between the two ends. Below each image is the class that the classifier
# reads in it.

# %%
hand_in.pictures("gan", "interpolation")

# %% [markdown]
# *Your analysis: are the changes smooth, and does a third class lie between the two?*

# %%
hand_in.pages()
