// LAPACKE, for the QR factorisation behind orthogonal initialisation, and eigenvalues for principal axes.
#if __has_include(<lapacke.h>)
#include <lapacke.h>
#else
#error "lapacke.h not found. On Debian or Ubuntu: apt-get install liblapacke-dev"
#endif

#ifdef NUMERAL_BLAS_SCIPY_OPENBLAS
// The wheel brings its own LAPACKE, with the same prefix.
__typeof__(scipy_LAPACKE_dgeqrf) LAPACKE_dgeqrf __asm__("scipy_LAPACKE_dgeqrf");
__typeof__(scipy_LAPACKE_dorgqr) LAPACKE_dorgqr __asm__("scipy_LAPACKE_dorgqr");
__typeof__(scipy_LAPACKE_dsyevd) LAPACKE_dsyevd __asm__("scipy_LAPACKE_dsyevd");
#endif
