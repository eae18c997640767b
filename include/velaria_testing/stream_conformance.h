// Tests that every source and sink of streams should pass, as rules with names.
#pragma once

#include "stream/conformance/stream_conformance.h"
