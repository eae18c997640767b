// Everything a program that embeds Velaria needs:
//
//   #include "velaria/velaria.h"
//
//   velaria::DataflowSession session;
//   std::cout << session.read_csv("flights.csv").filter("distance > 500").to_text();
//
// Link the Bazel target //:velaria.
#pragma once

#include "src/base/error.h"
#include "src/session/dataflow_session.h"
#include "src/session/query_monitor.h"
#include "src/session/result_stream.h"
#include "velaria/stream.h"
#include "velaria/version.h"
