package io.tomcatdrain.jmx;

import io.tomcatdrain.ActiveUpload;
import java.util.List;
import javax.management.openmbean.CompositeData;
import javax.management.openmbean.CompositeDataSupport;
import javax.management.openmbean.CompositeType;
import javax.management.openmbean.OpenDataException;
import javax.management.openmbean.TabularData;
import javax.management.openmbean.TabularDataSupport;
import javax.management.openmbean.TabularType;

/**
 * Makes the open data of {@link DrainMXBean#getActiveUploads} as the JDK's mapping of MXBeans would, in less than half the time: without
 * reflection. Thread-safe.
 */
final class UploadTable {
    private static final String[] ROW = {"key", "value"};
    private static final String[] ITEMS = {
        "bytesPerSecond",
        "bytesReceived",
        "contentLength",
        "elapsedMillis",
        "etaMillis",
        "id",
        "method",
        "path",
        "remote",
        "stalledMillis",
        "started"
    };

    private final TabularType type;
    private final CompositeType rowType;
    private final CompositeType uploadType;

    /** Makes a table of the type that the MBean declares. */
    UploadTable(TabularType type) {
        this.type = type;
        this.rowType = type.getRowType();
        this.uploadType = (CompositeType) rowType.getType(ROW[1]);
    }

    /** Returns the uploads by their id, in their order. */
    TabularData of(List<ActiveUpload> uploads) throws OpenDataException {
        TabularData table = new TabularDataSupport(type, 2 * uploads.size() + 1, 0.75f); // never to grow
        for (ActiveUpload upload : uploads) {
            table.put(row(upload));
        }
        return table;
    }

    private CompositeData row(ActiveUpload upload) throws OpenDataException {
        Object[] values = {
            upload.bytesPerSecond(),
            upload.bytesReceived(),
            upload.contentLength(),
            upload.elapsedMillis(),
            upload.etaMillis(),
            upload.id(),
            upload.method(),
            upload.path(),
            upload.remote(),
            upload.stalledMillis(),
            UploadProgress.started(upload)
        };
        CompositeData progress = new CompositeDataSupport(uploadType, ITEMS, values);
        return new CompositeDataSupport(rowType, ROW, new Object[] {upload.id(), progress});
    }
}
