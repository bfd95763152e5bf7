// libpng, its simplified interface: errors come back as return codes, without setjmp.
#if __has_include(<png.h>)
#include <png.h>
#else
#error "png.h not found. On Debian or Ubuntu: apt-get install libpng-dev"
#endif
