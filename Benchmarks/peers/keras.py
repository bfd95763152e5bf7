"""Keras 3 on TensorFlow (oneDNN), with and without XLA: `fit`, `train_on_batch` and a `tf.function` of one's own."""

import math

from . import network

TITLE = "Keras"
PACKAGES = ["keras", "tensorflow"]
SETTINGS = {
    "training": ["tf.function", "tf.function, XLA", "train_on_batch", "fit", "fit, 8 steps per execution"],
    "inference": ["tf.function", "tf.function, XLA", "frozen graph"],
}


def environment(setting, threads):
    return {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1",
            "OMP_NUM_THREADS": str(threads)}


def load(threads):
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    import keras  # noqa: F401


def model():
    """The network with the common weights."""
    import keras
    from keras import layers

    arrays = network.weights()
    stack, values = [keras.Input((28, 28, 1))], []

    def normalized(layer, name):
        values.append((layer, [arrays[name + ".w"]]))
        batch = layers.BatchNormalization(momentum=1 - network.MOMENTUM, epsilon=network.EPSILON)
        values.append((batch, [arrays[f"{name}.{part}"] for part in ("gamma", "beta", "mean", "variance")]))
        stack.extend([layer, batch, layers.ReLU()])

    for index, (_, outputs) in enumerate(network.CONVOLUTIONS, 1):
        normalized(layers.Conv2D(outputs, 3, padding="same", use_bias=False), f"conv{index}")
        if index % 2 == 0:
            stack.extend([layers.MaxPooling2D(2), layers.Dropout(network.CONVOLUTION_DROPOUT)])
    stack.append(layers.Flatten())
    normalized(layers.Dense(network.HIDDEN[1], use_bias=False), "hidden")
    output = layers.Dense(network.CLASSES)
    values.append((output, [arrays["output.w"], arrays["output.b"]]))
    stack.extend([layers.Dropout(network.HIDDEN_DROPOUT), output])
    result = keras.Sequential(stack)
    for layer, arrays_of_layer in values:
        layer.set_weights(arrays_of_layer)
    return result


class Training:
    def __init__(self, setting, batch):
        import keras
        import numpy as np
        import tensorflow as tf

        self.batch, self.way, xla = batch, setting.split(",")[0], setting.endswith(", XLA")
        self.model = model()
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(optimizer=keras.optimizers.Adam(network.LEARNING_RATE), loss=loss, jit_compile=xla,
                           steps_per_execution=8 if "8 steps" in setting else 1)
        self.before = np.array(self.model.layers[1].moving_mean)
        self.images, self.labels = network.data(batch)
        if self.way == "tf.function":
            network_, optimizer = self.model, self.model.optimizer
            optimizer.build(network_.trainable_variables)

            @tf.function(jit_compile=xla)
            def step(images, labels):
                with tf.GradientTape() as tape:
                    value = loss(labels, network_(images, training=True))
                gradients = tape.gradient(value, network_.trainable_variables)
                optimizer.apply_gradients(zip(gradients, network_.trainable_variables))
                return value

            self.step = step
            self.tensors = tf.constant(self.images), tf.constant(self.labels)
        elif self.way == "train_on_batch":
            self.tensors = tf.constant(self.images), tf.constant(self.labels)

    def fixed_count(self, count):
        """`fit` pays for its beginning once an epoch: a block is an epoch, made three times as long and of whole
        executions of 8 steps, so that this is a few per cent at most."""
        if self.way != "fit":
            return count
        count = max(8, -(-3 * count // 8) * 8)
        self.repeat(count)
        return count

    def repeat(self, count):
        import numpy as np

        self.epoch = (count, np.tile(self.images, (count, 1, 1, 1)), np.tile(self.labels, count))

    def run(self, count):
        if self.way == "tf.function":
            for _ in range(count):
                value = self.step(*self.tensors)
            self.value = float(value)
        elif self.way == "train_on_batch":
            for _ in range(count):
                self.value = float(self.model.train_on_batch(*self.tensors))
        else:
            if getattr(self, "epoch", (0,))[0] != count:
                self.repeat(count)
            history = self.model.fit(*self.epoch[1:], batch_size=self.batch, epochs=1, verbose=0, shuffle=False)
            self.value = history.history["loss"][0]

    def check(self):
        network.require_training(sum(math.prod(v.shape) for v in self.model.trainable_variables), self.value,
                                 self.before, self.model.layers[1].moving_mean)


class Inference:
    def __init__(self, setting, batch):
        import tensorflow as tf

        network_ = model()
        self.images = tf.constant(network.data(batch)[0])
        call = tf.function(lambda images: network_(images, training=False), jit_compile=setting.endswith(", XLA"))
        self.call = call
        if setting == "frozen graph":
            from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

            frozen = convert_variables_to_constants_v2(
                call.get_concrete_function(tf.TensorSpec(self.images.shape, tf.float32)))
            self.call = lambda images: frozen(images)[0]

    def run(self, count):
        for _ in range(count):
            self.output = self.call(self.images).numpy()

    def check(self):
        return network.require_logits(self.output)


def prepare(mode, setting, batch, threads, folder):
    return (Training if mode == "training" else Inference)(setting, batch)
