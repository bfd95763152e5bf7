"""The peers this project is measured against, one file each.

A peer's file says, without importing the peer's framework:

* `TITLE`, `PACKAGES`: its name and the packages whose versions are reported;
* `SETTINGS`: for each mode, `training` and `inference`, the settings worth trying, by name;
* `environment(setting, threads)`: variables that must be set before its process starts;
* `load(threads)`: imports the framework and sets its threads;
* `prepare(mode, setting, batch, threads, folder)`: returns an object whose `run(count)` does that many steps one after
  the other and returns when they are done, and whose `check()` throws where what it computed is not the reference
  network.
"""

NAMES = ["pytorch", "keras", "jax", "onnxruntime", "openvino"]

MEMORY = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "8589934592",
          "MALLOC_TOP_PAD_": "268435456", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""glibc keeps freed memory and uses huge pages: without it PyTorch and JAX fault their activations in at every step
(PyTorch's training is a third slower, no peer is faster). What jemalloc or tcmalloc would do."""
