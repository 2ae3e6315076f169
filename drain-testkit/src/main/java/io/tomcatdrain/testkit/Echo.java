package io.tomcatdrain.testkit;

import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpUpgradeHandler;
import jakarta.servlet.http.WebConnection;
import java.io.IOException;

/** Sends back what comes, until the client closes. */
public final class Echo implements HttpUpgradeHandler {
    @Override
    public void init(WebConnection connection) {
        try {
            ServletInputStream in = connection.getInputStream();
            in.setReadListener(new ReadListener() {
                @Override
                public void onDataAvailable() throws IOException {
                    while (in.isReady()) {
                        int next = in.read();
                        if (next < 0) {
                            return;
                        }
                        connection.getOutputStream().write(next);
                        connection.getOutputStream().flush();
                    }
                }

                @Override
                public void onAllDataRead() throws IOException {
                    close(connection);
                }

                @Override
                public void onError(Throwable fault) {
                    close(connection);
                }
            });
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void close(WebConnection connection) {
        try {
            connection.close();
        } catch (Exception gone) {
            // nobody is left to be told
        }
    }

    @Override
    public void destroy() {}
}
