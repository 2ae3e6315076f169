package io.tomcatdrain.testkit;

import jakarta.websocket.OnMessage;
import jakarta.websocket.server.ServerEndpoint;

/** Sends back each text that comes over WebSocket. */
@ServerEndpoint("/ws")
public final class WebSocketEcho {
    /** Returns what came. */
    @OnMessage
    public String echo(String text) {
        return text;
    }
}
