package io.tomcatdrain.overhead;

import java.io.IOException;

/** How a request reaches the server, and which. */
enum Form {
    GET_WITHOUT_SOCKETS(false, false, 20_000),
    GET_PIPELINED(false, true, 5_000),
    MULTIPART_POST_WITHOUT_SOCKETS(true, false, 10_000),
    MULTIPART_POST_PIPELINED(true, true, 5_000);

    /** How many rounds count: through a kernel they differ more from each other. */
    final int rounds;

    private final boolean upload;
    private final boolean sockets;

    /** How many requests are measured at a time: some tens of milliseconds. */
    final int batch;

    Form(boolean upload, boolean sockets, int batch) {
        this.upload = upload;
        this.sockets = sockets;
        this.batch = batch;
        this.rounds = sockets ? 60 : 20;
    }

    Driver drive(MeasuredServer server) throws IOException {
        Exchange exchange = upload ? Exchange.MULTIPART_POST : Exchange.PLAIN_GET;
        return sockets ? Driver.pipelined(server, exchange) : Driver.direct(server, exchange);
    }
}
