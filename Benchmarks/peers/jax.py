"""JAX on XLA: the whole step jitted, its state donated, NHWC. Its threads are the CPUs its process may use."""

from . import network

TITLE = "JAX"
PACKAGES = ["jax", "jaxlib"]
SETTINGS = {
    "training": ["threefry", "rbg"],
    "inference": ["weights as arguments", "weights as constants", "normalization folded by hand"],
}
LAYERS = ["conv1", "conv2", "conv3", "conv4", "hidden"]


def environment(setting, threads):
    return {"JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": str(threads)}


def load(threads):
    import jax  # noqa: F401


def forward(arrays, images, normalize, drop):
    """The network; `normalize(x, name)` is batch normalization, `drop(x, rate)` dropout."""
    import jax
    from jax import lax

    x = images
    for index in range(1, 5):
        name = f"conv{index}"
        x = lax.conv_general_dilated(x, arrays[name + ".w"], (1, 1), "SAME",
                                     dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(normalize(x, name))
        if index % 2 == 0:
            x = lax.reduce_window(x, -float("inf"), lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
            x = drop(x, network.CONVOLUTION_DROPOUT)
    x = jax.nn.relu(normalize(x.reshape(x.shape[0], -1) @ arrays["hidden.w"], "hidden"))
    return drop(x, network.HIDDEN_DROPOUT) @ arrays["output.w"] + arrays["output.b"]


class Training:
    def __init__(self, setting, batch):
        import jax
        import jax.numpy as jnp
        import numpy as np

        arrays = {name: jnp.asarray(array) for name, array in network.weights().items()}
        state = {name: arrays.pop(name) for name in list(arrays) if name.endswith((".mean", ".variance"))}
        zeros = {name: jnp.zeros_like(array) for name, array in arrays.items()}
        self.before = np.array(state["conv1.mean"])
        self.parameters = sum(array.size for array in arrays.values())
        key = jax.random.key(0, impl="rbg" if setting == "rbg" else "threefry2x32")
        self.state = (arrays, state, zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros((), jnp.int32), key)
        images, labels = network.data(batch)
        self.images, self.labels = jnp.asarray(images), jnp.asarray(labels)

        def loss(arrays, state, key, images, labels):
            updated, keys = {}, iter(jax.random.split(key, 3))

            def normalize(x, name):
                axes = tuple(range(x.ndim - 1))
                mean = jnp.mean(x, axes)
                variance = jnp.mean(jnp.square(x), axes) - jnp.square(mean)
                count = x.size // x.shape[-1]
                updated[name + ".mean"] = (1 - network.MOMENTUM) * state[name + ".mean"] + network.MOMENTUM * mean
                updated[name + ".variance"] = ((1 - network.MOMENTUM) * state[name + ".variance"]
                                               + network.MOMENTUM * variance * (count / (count - 1)))
                scale = arrays[name + ".gamma"] * jax.lax.rsqrt(variance + network.EPSILON)
                return x * scale + (arrays[name + ".beta"] - mean * scale)

            def drop(x, rate):
                keep = jax.random.bernoulli(next(keys), 1 - rate, x.shape)
                return jnp.where(keep, x / (1 - rate), 0)

            scores = jax.nn.log_softmax(forward(arrays, images, normalize, drop))
            return -jnp.mean(jnp.take_along_axis(scores, labels[:, None], 1)), updated

        def step(whole, images, labels):
            arrays, state, first, second, count, key = whole
            key, dropout = jax.random.split(key)
            (value, state), gradients = jax.value_and_grad(loss, has_aux=True)(arrays, state, dropout, images, labels)
            count = count + 1
            first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
            second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
            rate = network.LEARNING_RATE / (1 - 0.9 ** count.astype(jnp.float32))
            correction = 1 / (1 - 0.999 ** count.astype(jnp.float32))
            arrays = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v * correction) + 1e-8), arrays, first,
                                  second)
            return (arrays, state, first, second, count, key), value

        self.step = jax.jit(step, donate_argnums=0)

    def run(self, count):
        for _ in range(count):
            self.state, self.value = self.step(self.state, self.images, self.labels)
        self.value.block_until_ready()

    def check(self):
        network.require_training(self.parameters, float(self.value), self.before, self.state[1]["conv1.mean"])


class Inference:
    def __init__(self, setting, batch):
        import jax
        import jax.numpy as jnp
        import numpy as np

        arrays = network.weights()
        if setting == "normalization folded by hand":
            for name in LAYERS:
                scale = arrays[name + ".gamma"] / np.sqrt(arrays[name + ".variance"] + network.EPSILON)
                arrays[name + ".w"] = arrays[name + ".w"] * scale
                arrays[name + ".shift"] = arrays[name + ".beta"] - arrays[name + ".mean"] * scale
        arrays = {name: jnp.asarray(array) for name, array in arrays.items()}

        def infer(arrays, images):
            def normalize(x, name):
                if name + ".shift" in arrays:
                    return x + arrays[name + ".shift"]
                scale = arrays[name + ".gamma"] * jax.lax.rsqrt(arrays[name + ".variance"] + network.EPSILON)
                return x * scale + (arrays[name + ".beta"] - arrays[name + ".mean"] * scale)

            return forward(arrays, images, normalize, lambda x, rate: x)

        self.images = jnp.asarray(network.data(batch)[0])
        if setting == "weights as arguments":
            jitted = jax.jit(infer)
            self.call = lambda images: jitted(arrays, images)
        else:
            self.call = jax.jit(lambda images: infer(arrays, images))

    def run(self, count):
        # JAX dispatches without waiting; one batch is to be done before the next begins.
        for _ in range(count):
            self.output = self.call(self.images).block_until_ready()

    def check(self):
        import numpy as np

        return network.require_logits(np.asarray(self.output))


def prepare(mode, setting, batch, threads, folder):
    return (Training if mode == "training" else Inference)(setting, batch)
