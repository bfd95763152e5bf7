// LAPACKE, for the QR factorisation behind orthogonal initialisation.
#if __has_include(<lapacke.h>)
#include <lapacke.h>
#else
#error "lapacke.h not found. On Debian or Ubuntu: apt-get install liblapacke-dev"
#endif
