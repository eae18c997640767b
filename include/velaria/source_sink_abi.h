/* The plain C interface for sources and sinks in any language. */
#ifndef VELARIA_SOURCE_SINK_ABI_H_
#define VELARIA_SOURCE_SINK_ABI_H_

#include "stream/source_sink_abi.h"

#endif /* VELARIA_SOURCE_SINK_ABI_H_ */
