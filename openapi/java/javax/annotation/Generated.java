package javax.annotation;

/** What generated code bears; it left the JDK with version 11. */
public @interface Generated {
    String[] value();

    String date() default "";

    String comments() default "";
}
