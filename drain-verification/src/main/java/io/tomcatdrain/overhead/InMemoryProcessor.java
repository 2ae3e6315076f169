package io.tomcatdrain.overhead;

import jakarta.servlet.ServletConnection;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.catalina.connector.CoyoteAdapter;
import org.apache.catalina.connector.Request;
import org.apache.coyote.AbstractProcessor;
import org.apache.coyote.Adapter;
import org.apache.coyote.ContinueResponseTiming;
import org.apache.coyote.InputBuffer;
import org.apache.coyote.OutputBuffer;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.apache.tomcat.util.buf.ByteChunk;
import org.apache.tomcat.util.net.AbstractEndpoint.Handler.SocketState;
import org.apache.tomcat.util.net.ApplicationBufferHandler;
import org.apache.tomcat.util.net.SocketWrapperBase;

/**
 * Hands requests to a connector's adapter as HTTP/1.1 does it, one after the other on the same pooled objects, but from memory: what
 * is measured is Catalina and what sits in it. Not thread-safe.
 */
final class InMemoryProcessor extends AbstractProcessor implements InputBuffer, OutputBuffer {
    private static final Log LOG = LogFactory.getLog(InMemoryProcessor.class);

    private final ByteBuffer empty = ByteBuffer.allocate(0);
    private ByteBuffer body = empty;
    private long written;

    InMemoryProcessor(Adapter adapter) {
        super(adapter);
        request.setInputBuffer(this);
        response.setOutputBuffer(this);
    }

    /** Has a request served. */
    void serve(Exchange exchange, String remote) throws Exception {
        begin(exchange, remote);
        adapter.service(request, response);
        if (isAsync()) {
            return; // it stays inside
        }
        if (response.getStatus() != 200 || written == 0) {
            throw new IOException("status " + response.getStatus() + ", " + written + " bytes");
        }
        recycle();
    }

    /** Takes a request as far as Tomcat's first valve, where it stays. */
    Request prepare(Exchange exchange, String remote) throws Exception {
        serve(exchange, remote);
        begin(exchange, remote);
        if (!adapter.prepare(request, response)) {
            throw new IOException("status " + response.getStatus());
        }
        return (Request) request.getNote(CoyoteAdapter.ADAPTER_NOTES);
    }

    private void begin(Exchange exchange, String remote) {
        request.markStartTime();
        request.setMethod(exchange.method, 0, exchange.method.length);
        request.requestURI().setBytes(exchange.uri, 0, exchange.uri.length);
        request.protocol().setString("HTTP/1.1");
        for (int i = 0; i < exchange.headerNames.length; i++) {
            byte[] name = exchange.headerNames[i];
            byte[] value = exchange.headerValues[i];
            request.getMimeHeaders().addValue(name, 0, name.length).setBytes(value, 0, value.length);
        }
        request.serverName().setString("localhost");
        request.setServerPort(8080);
        request.remoteAddr().setString(remote);
        body = exchange.body.length == 0 ? empty : ByteBuffer.wrap(exchange.body);
        written = 0;
    }

    @Override
    public void recycle() {
        request.recycle();
        response.recycle();
    }

    @Override
    public int doRead(ApplicationBufferHandler handler) {
        int length = body.remaining();
        if (length == 0) {
            return -1;
        }
        handler.setByteBuffer(body);
        body = empty;
        return length;
    }

    @Override
    public int available() {
        return body.remaining();
    }

    @Override
    public int doWrite(ByteBuffer chunk) {
        int length = chunk.remaining();
        chunk.position(chunk.limit());
        written += length;
        return length;
    }

    @Override
    public long getBytesWritten() {
        return written;
    }

    @Override
    protected void prepareResponse() {
        response.setCommitted(true);
    }

    @Override
    protected int available(boolean doRead) {
        return body.remaining();
    }

    @Override
    protected boolean isRequestBodyFullyRead() {
        return body.remaining() == 0;
    }

    @Override
    protected void finishResponse() {}

    @Override
    protected void flush() {}

    @Override
    protected void ack(ContinueResponseTiming continueResponseTiming) {}

    @Override
    protected void earlyHints() {}

    @Override
    protected void setSwallowResponse() {}

    @Override
    protected void disableSwallowRequest() {}

    @Override
    protected void registerReadInterest() {}

    @Override
    protected boolean isReadyForWrite() {
        return true;
    }

    @Override
    protected boolean isTrailerFieldsReady() {
        return false;
    }

    @Override
    public void pause() {}

    @Override
    protected Log getLog() {
        return LOG;
    }

    // What belongs to a socket, which there is none of.

    @Override
    protected void setRequestBody(ByteChunk replayed) {
        throw new UnsupportedOperationException();
    }

    @Override
    protected ServletConnection getServletConnection() {
        throw new UnsupportedOperationException();
    }

    @Override
    protected boolean flushBufferedWrite() {
        throw new UnsupportedOperationException();
    }

    @Override
    protected SocketState dispatchEndRequest() {
        throw new UnsupportedOperationException();
    }

    @Override
    protected SocketState service(SocketWrapperBase<?> socketWrapper) {
        throw new UnsupportedOperationException();
    }
}
