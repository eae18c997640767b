// The inside of a worker process: takes batches from the program that started it, runs its part of
// the plan and keeps its part of the groups.
#pragma once

namespace velaria {

// Serves the socket until the other side has ended; takes it. Leaves signals of the terminal to the
// program, and ends with it. What the process exits with.
int serve_as_worker(int descriptor);

}  // namespace velaria
