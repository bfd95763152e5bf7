// libjpeg-turbo's own interface: errors come back as return codes, without setjmp.
#if __has_include(<turbojpeg.h>)
#include <turbojpeg.h>
#else
#error "turbojpeg.h not found. On Debian or Ubuntu: apt-get install libturbojpeg0-dev"
#endif
