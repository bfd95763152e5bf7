// Ways of adding up gradients over ranks, timed: microseconds of each, the median of many, for buffers of several sizes.
//   chain      the sum passed from rank to rank in links of 32 KiB, and back: the order of shards is kept (GradientPartials.swift)
//   allreduce  MPI_Allreduce of each rank's own sum: the order is the library's, and changes with the number of ranks
//   shards     every shard's gradient to the rank that owns a slice of it, the slices' sums to all: order kept, 16 shards
// No adding up but the library's own is timed, nor is it in the chain or the shards: what differs is what is sent.
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINK = 8192, SHARDS = 16 };
static int rank, size;

static void pass(float *sum, int count, int source, int target) {
    int here = 0, hereCount = 0, next = 0, nextCount = count < LINK ? count : LINK;
    for (;;) {
        MPI_Sendrecv(sum + here, hereCount, MPI_FLOAT, hereCount ? target : MPI_PROC_NULL, 0, sum + next, nextCount,
                     MPI_FLOAT, nextCount ? source : MPI_PROC_NULL, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (!nextCount) return;
        here = next, hereCount = nextCount;
        next = here + hereCount, nextCount = count - next < LINK ? count - next : LINK;
    }
}

static void chain(float *sum, float *other, int count) {
    (void)other;
    int up = rank + 1 < size ? rank + 1 : MPI_PROC_NULL, down = rank > 0 ? rank - 1 : MPI_PROC_NULL;
    pass(sum, count, down, up);
    pass(sum, count, up, down);
}

static void allreduce(float *sum, float *other, int count) {
    (void)other;
    MPI_Allreduce(MPI_IN_PLACE, sum, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
}

// Slices of all own shards to their owners, packed already; then the owners' sums to all.
static void shards(float *sum, float *other, int count) {
    int slice = count / size, own = SHARDS / size;
    MPI_Alltoall(other, own * slice, MPI_FLOAT, other + (size_t)count * own, own * slice, MPI_FLOAT, MPI_COMM_WORLD);
    MPI_Allgather(MPI_IN_PLACE, 0, MPI_FLOAT, sum, slice, MPI_FLOAT, MPI_COMM_WORLD);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    struct { const char *name; void (*run)(float *, float *, int); } ways[] = {
        {"chain", chain}, {"allreduce", allreduce}, {"shards", shards}};
    double limit = argc > 1 ? atof(argv[1]) : 0.5;
    for (int count = 1 << 14; count <= 1 << 20; count <<= 3) {
        float *sum = calloc(count, 4), *other = calloc((size_t)count * SHARDS * 2, 4);
        for (int way = 0; way < 3; way++) {
            double times[1000], began = MPI_Wtime();
            int runs = 0, go = 1;
            ways[way].run(sum, other, count);
            while (go && runs < 1000) {
                MPI_Barrier(MPI_COMM_WORLD);
                double start = MPI_Wtime();
                ways[way].run(sum, other, count);
                times[runs++] = MPI_Wtime() - start;
                go = MPI_Wtime() - began < limit;
                MPI_Bcast(&go, 1, MPI_INT, 0, MPI_COMM_WORLD);
            }
            qsort(times, runs, sizeof times[0], ascending);
            if (rank == 0) printf("%s %d %.1f\n", ways[way].name, 4 * count, 1e6 * times[runs / 2]);
        }
        free(sum), free(other);
    }
    MPI_Finalize();
}
