package io.tomcatdrain.cli;

import io.tomcatdrain.DrainSettings;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertPathBuilderException;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.util.Collection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/** Which certificates a command accepts over https, and why it does not accept one. Functions without a state. */
final class Trust {
    /** What to do about a certificate that was not accepted. */
    static final String REMEDY = "name the file with the certificate, in PEM, of the authority that signed it:"
            + " --ca-file FILE (or start with java -Djavax.net.ssl.trustStore=FILE -jar …), and use a URL whose host the"
            + " certificate names";

    private static final String NOT_ACCEPTED = "its certificate is not accepted: ";

    private Trust() {}

    /**
     * Returns what decides over certificates: the authorities of that file and no others, as of curl's {@code --cacert}.
     *
     * @param file authorities' certificates in PEM; null for those that this JVM trusts
     * @throws IllegalArgumentException if the file holds none
     */
    static @Nullable SSLContext of(@Nullable String file) {
        if (file == null) {
            return null;
        }
        String option = "option [--ca-file] has the value [" + DrainSettings.quotable(file) + "]: ";
        try (InputStream in = Files.newInputStream(Path.of(file))) {
            Collection<? extends Certificate> authorities =
                    CertificateFactory.getInstance("X.509").generateCertificates(in);
            if (authorities.isEmpty()) {
                throw new CertificateException("it is empty");
            }
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            for (Certificate authority : authorities) {
                store.setCertificateEntry("ca" + store.size(), authority);
            }
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (IOException | InvalidPathException unreadable) {
            throw new IllegalArgumentException(
                    option + "name a file that you can read (" + DrainSettings.quotable(unreadable.toString()) + ")",
                    unreadable);
        } catch (GeneralSecurityException none) {
            throw new IllegalArgumentException(
                    option + "it holds no certificate in PEM, between BEGIN CERTIFICATE and END CERTIFICATE ("
                            + none.getMessage() + ")",
                    none);
        }
    }

    /** Returns why a certificate was not accepted, for people; null if the failure is another one. */
    static @Nullable String complaint(Throwable failure) {
        String why = null;
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof CertPathBuilderException) {
                return NOT_ACCEPTED + "no authority that is trusted here has signed it";
            }
            if (cause instanceof CertificateException) {
                why = NOT_ACCEPTED + cause.getMessage(); // the innermost says it best
            }
        }
        return why;
    }

    /** Returns true if that is what {@link #complaint} has said. */
    static boolean isComplaint(String trouble) {
        return trouble.startsWith(NOT_ACCEPTED);
    }
}
